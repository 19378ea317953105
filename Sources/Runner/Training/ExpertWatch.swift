import ModelRuntime
import Ranks

/// Counts what experts are given between evaluations, and says once which of them have been dead or
/// overloaded for long. Saved with a run, so that one that goes on counts on.
struct ExpertWatch: Equatable, Sendable, Codable {
  /// Loads since the last evaluation, by router and expert.
  private var loads: [[ExpertLoad]] = []
  /// Steps that they are of.
  private var steps = 0
  /// What was said, by router, expert and word.
  private var told: [String] = []
  /// For how long that which `told` would have has been true, by its words; nil in records from
  /// before this was counted.
  private var streaks: [String: Streak]?

  /// Evaluations in a row at which something was true, and the steps that they are of.
  private struct Streak: Equatable, Codable {
    var evaluations = 0
    var steps = 0

    /// Routers lean on an expert or leave one alone for a while before they find their way, above all
    /// in the first steps.
    var isLong: Bool {
      evaluations >= ExpertWatch.leastEvaluations && steps >= ExpertWatch.leastSteps
    }
  }

  /// Fewer choices than this for an expert on average tell nothing of it.
  static let leastMean = 200
  /// Nothing is said of an expert that was not so at this many evaluations in a row, of this many
  /// steps together.
  static let leastEvaluations = 3
  static let leastSteps = 100

  /// Adds what the models of all ranks counted in training since they were last asked. Sums of weights are
  /// exact, so that it does not matter who counted what.
  mutating func add(from model: Model, of ranks: Ranks, steps: Int) throws {
    let own = try model.takeExpertLoads(.training)
    let numbers = own.joined().flatMap { [Double($0.chosen), Double($0.kept), $0.weight] }
    for theirs in try ranks.gather(numbers) {
      add(Self.loads(theirs, like: own), steps: 0)
    }
    self.steps += steps
  }

  private static func loads(_ numbers: [Double], like loads: [[ExpertLoad]]) -> [[ExpertLoad]] {
    var rest = numbers[...]
    func next() -> Double { rest.popFirst() ?? 0 }
    return loads.map { experts in
      experts.map { _ in
        ExpertLoad(
          chosen: Int(exactly: next()) ?? 0, kept: Int(exactly: next()) ?? 0, weight: next())
      }
    }
  }

  mutating func add(_ more: [[ExpertLoad]], steps: Int) {
    self.steps += steps
    if loads.count != more.count { loads = more.map { $0.map { _ in ExpertLoad() } } }
    for (router, experts) in more.enumerated() where loads[router].count == experts.count {
      for (expert, load) in experts.enumerated() { loads[router][expert] += load }
    }
  }

  /// The balance since the last evaluation, and what is to be said of it; nil before any step.
  mutating func take(
    _ routers: [Manifest.Router]
  ) -> (balance: ExpertBalance, notices: [String])? {
    guard loads.joined().contains(where: { $0.chosen > 0 }) else { return nil }
    let balance = ExpertBalance(
      loads: loads, hasCapacity: routers.contains { $0.capacity != nil })
    let notices = zip(routers, loads).flatMap { self.notices($0, $1) }
    loads = []
    steps = 0
    return (balance, notices)
  }
}

// MARK: - In words

extension ExpertWatch {
  /// An expert is too full above this many times the mean load.
  ///
  /// 1 is even, and E / K is the most there can be, when every token chooses it. Too full is 97 % of
  /// the way from the one to the other, or 8 where that is less: that an expert serves most tokens,
  /// as one of K, is a use that routers find and keep; one that serves all is no choice any more.
  static func overload(_ router: Manifest.Router) -> Double {
    let most = Double(router.experts) / Double(router.choices)
    return min(8, 1 + 0.97 * (most - 1))
  }

  private mutating func notices(_ router: Manifest.Router, _ experts: [ExpertLoad]) -> [String] {
    let mean = Double(experts.reduce(0) { $0 + $1.chosen }) / Double(experts.count)
    guard mean >= Double(Self.leastMean) else { return [] }
    let idle = lasting("dead", router) { experts[$0].chosen == 0 }
    let full = lasting("overloaded", router) {
      Double(experts[$0].chosen) > Self.overload(router) * mean
    }
    var lines: [String] = []
    if let idle = untold(idle, "dead", router) {
      lines.append(dead(idle, router) + hint("dead", Self.deadHint))
    }
    if let full = untold(full, "overloaded", router) {
      lines.append(overloaded(full, router, experts, mean) + hint("overloaded", Self.fullHint))
    }
    return lines
  }

  /// The experts of which something has been true for long, now included.
  private mutating func lasting(
    _ word: String, _ router: Manifest.Router, _ isTrue: (Int) -> Bool
  ) -> [Int] {
    var known = streaks ?? [:]
    defer { streaks = known }
    return (0..<router.experts).filter { expert in
      let key = Self.key(router, expert, word)
      guard isTrue(expert) else {
        known[key] = nil
        return false
      }
      known[key, default: Streak()].evaluations += 1
      known[key, default: Streak()].steps += steps
      return known[key]?.isLong == true
    }
  }

  private static func key(_ router: Manifest.Router, _ expert: Int, _ word: String) -> String {
    "\(router.name) \(expert) \(word)"
  }

  /// Those of which this was not said yet; nil if there are none.
  private mutating func untold(
    _ experts: [Int], _ word: String, _ router: Manifest.Router
  ) -> [Int]? {
    let new = experts.filter { !told.contains(Self.key(router, $0, word)) }
    told += new.map { Self.key(router, $0, word) }
    return new.isEmpty ? nil : new
  }

  /// What one could do, said with the first of its kind.
  private mutating func hint(_ word: String, _ text: String) -> String {
    if told.contains(word) { return "" }
    told.append(word)
    return "\nhint: \(text)"
  }

  private static let deadHint =
    "noise in the router (noisy top-k), a lower --learning-rate, another --seed or fewer experts"
  private static let fullHint =
    "noise in the router (noisy top-k) or a lower --learning-rate; a capacity bounds what it "
    + "computes"

  private func dead(_ experts: [Int], _ router: Manifest.Router) -> String {
    "\(named(experts, router)) dead: no token chose \(experts.count == 1 ? "it" : "them") in "
      + "\(length(experts, "dead", router)) steps, and what no token chooses learns nothing"
  }

  private func overloaded(
    _ experts: [Int], _ router: Manifest.Router, _ loads: [ExpertLoad], _ mean: Double
  ) -> String {
    let times = experts.map { twoDecimals(Double(loads[$0].chosen) / mean) }
    let dropped = ExpertBalance.droppedShare(experts.map { loads[$0] })
    let drops = dropped > 0 ? ", \(percent(dropped)) of it dropped" : ""
    let limit = twoDecimals(Self.overload(router))
    return "\(named(experts, router)) overloaded: \(times.joined(separator: " and ")) times the "
      + "mean load\(drops), above \(limit) for \(length(experts, "overloaded", router)) steps; "
      + "others learn less"
  }

  /// For how many steps it has been true of all of them.
  private func length(_ experts: [Int], _ word: String, _ router: Manifest.Router) -> Int {
    experts.compactMap { streaks?[Self.key(router, $0, word)]?.steps }.min() ?? 0
  }

  /// `block.3.mixture: experts 2 and 5 of 8 are`.
  private func named(_ experts: [Int], _ router: Manifest.Router) -> String {
    let list = experts.map(String.init)
    let words =
      list.count == 1
      ? "expert \(list[0])"
      : "experts \(list.dropLast().joined(separator: ", ")) and \(list[list.count - 1])"
    return "\(router.name): \(words) of \(router.experts) \(list.count == 1 ? "is" : "are")"
  }
}
