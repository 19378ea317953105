import ModelRuntime

/// Counts what experts are given between evaluations, and says once which of them are dead or
/// overloaded. Saved with a run, so that one that goes on counts on.
struct ExpertWatch: Equatable, Sendable, Codable {
  /// Loads since the last evaluation, by router and expert.
  private var loads: [[ExpertLoad]] = []
  /// Steps that they are of.
  private var steps = 0
  /// What was said, by router, expert and word.
  private var told: [String] = []

  /// Fewer choices than this for an expert on average tell nothing of it.
  static let leastMean = 200

  /// Adds what the model counted in training since it was last asked.
  mutating func add(from model: Model, steps: Int) throws(ModelError) {
    let more = try model.takeExpertLoads(.training)
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
  /// An expert is overloaded with more than this many times the mean load: when nine of ten tokens
  /// choose it, or at 4 where that is less.
  static func overload(_ router: Manifest.Router) -> Double {
    min(4, 0.9 * Double(router.experts) / Double(router.choices))
  }

  private mutating func notices(_ router: Manifest.Router, _ experts: [ExpertLoad]) -> [String] {
    let mean = Double(experts.reduce(0) { $0 + $1.chosen }) / Double(experts.count)
    guard mean >= Double(Self.leastMean) else { return [] }
    let idle = experts.indices.filter { experts[$0].chosen == 0 }
    let full = experts.indices.filter {
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

  /// Those of which this was not said yet; nil if there are none.
  private mutating func untold(
    _ experts: [Int], _ word: String, _ router: Manifest.Router
  ) -> [Int]? {
    let new = experts.filter { !told.contains("\(router.name) \($0) \(word)") }
    told += new.map { "\(router.name) \($0) \(word)" }
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
      + "\(steps) steps, and what no token chooses learns nothing"
  }

  private func overloaded(
    _ experts: [Int], _ router: Manifest.Router, _ loads: [ExpertLoad], _ mean: Double
  ) -> String {
    let times = experts.map { twoDecimals(Double(loads[$0].chosen) / mean) }
    let dropped = ExpertBalance.droppedShare(experts.map { loads[$0] })
    let drops = dropped > 0 ? ", \(percent(dropped)) of it dropped" : ""
    let limit = twoDecimals(Self.overload(router))
    return "\(named(experts, router)) overloaded: \(times.joined(separator: " and ")) times the "
      + "mean load in \(steps) steps\(drops), above \(limit); others learn less"
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
