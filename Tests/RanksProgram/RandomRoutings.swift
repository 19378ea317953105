import ModelRuntime
import Ranks

/// Updates of four batches whose tokens are sent to random experts, the same for any number of ranks by their seed: to
/// any, to those that the router likes, all to one or to one half of them, so that ranks have none, and with all targets
/// of a batch or of an update ignored.
struct RandomRoutings {
  var seed: UInt64
  var updates: Int

  /// Of an update; ranks share them.
  static let batches = 4

  /// Updates after which all that the model has is looked at.
  static let between = 25

  /// What became of them: of each update a fingerprint of its losses, its norm and the loads of all experts, and now and
  /// then of all values, moments and step counts.
  struct Outcome: Equatable {
    var prints: [UInt64] = []
    /// Updates in which an expert of some router had no token, and in which one had all.
    var withIdle = 0
    var withAll = 0
    /// Updates without targets.
    var withoutTargets = 0

    /// All in one.
    var print: UInt64 { Fingerprint(prints).value }
  }

  /// Takes the part of one rank; what became of it is the same on all.
  func run(_ ranks: Ranks, _ library: ModelLibrary) throws -> Outcome {
    let own = Self.batches / ranks.count
    let model = try Model(library, exchange: ranks.exchange, batches: own)
    model.initialize(seed: seed)
    try model.setThreads(1)
    var outcome = Outcome()
    for update in 0..<updates {
      var dice = Dice(state: seed &+ UInt64(update) &* 0x9E37_79B9)
      let drawn = (0..<Self.batches).map { _ in Batch(model.manifest, &dice) }
      let batches = Batch.mixed(drawn, &dice)
      var losses: [Double] = []
      for (number, batch) in batches.enumerated().dropFirst(ranks.rank * own).prefix(own) {
        losses.append(Double(try batch.accumulate(model, seed: UInt64(4 * update + number))))
      }
      var hyper = Hyperparameters(model.manifest.defaults, seed: UInt64(update))
      hyper.learningRate = 0.002
      let norm = try model.update(with: hyper, maximumNorm: update % 3 == 0 ? 0.5 : nil)
      try outcome.add(losses, norm, model, ranks)
      if (update + 1) % Self.between == 0 { try outcome.add(everythingIn: model) }
    }
    try outcome.add(everythingIn: model)
    return outcome
  }
}

/// One batch, and where its tokens go.
private struct Batch {
  private var tokens: [Int32] = []
  private var targets: [Int32] = []
  /// Router after router, [tokens, choices]; nothing: what they like.
  private var choices: [Int32] = []

  init(_ manifest: Manifest, _ dice: inout Dice) {
    let count = manifest.batch * manifest.context
    tokens = (0..<count).map { _ in Int32(dice.below(manifest.vocabulary)) }
    let isIgnored = dice.below(6) == 0
    targets = tokens.map { isIgnored ? Model.ignoredTarget : ($0 + 1) % Int32(manifest.vocabulary) }
    let form = dice.below(4)
    if form == 0 { return }
    for router in manifest.routers {
      // Of any experts, of one half, or as few as there can be.
      let size = form == 1 ? router.experts : form == 2 ? router.experts / 2 : router.choices
      let groups = router.experts / max(size, 1)
      let first = size * dice.below(groups)
      for _ in 0..<count {
        var left = Array(first..<first + size)
        while left.count > router.choices { left.remove(at: dice.below(left.count)) }
        choices += left.map(Int32.init)
      }
    }
  }

  /// Now and then the batches of an update are all like the first, or none has targets.
  static func mixed(_ batches: [Batch], _ dice: inout Dice) -> [Batch] {
    let form = dice.below(10)
    if form < 3 { return batches.map { _ in batches[0] } }
    if form > 3 { return batches }
    return batches.map { batch in
      var batch = batch
      batch.targets = batch.targets.map { _ in Model.ignoredTarget }
      return batch
    }
  }

  func accumulate(_ model: Model, seed: UInt64) throws -> Float {
    if !choices.isEmpty { try model.replay(choices, tokens: tokens.count) }
    return try model.accumulate(tokens: tokens, targets: targets, seed: seed)
  }
}

extension RandomRoutings.Outcome {
  /// Losses and loads are those of all ranks.
  mutating func add(_ losses: [Double], _ norm: Float, _ model: Model, _ ranks: Ranks) throws {
    let loads = try model.takeExpertLoads(.training)
    let own = loads.joined().flatMap { [Double($0.chosen), Double($0.kept), $0.weight] }
    let all = try ranks.gather(losses + own)
    let sums = all.dropFirst().reduce(Array(all[0].dropFirst(losses.count))) {
      zip($0, $1.dropFirst(losses.count)).map(+)
    }
    let told = all.flatMap { $0.prefix(losses.count) } + [Double(norm)] + sums
    prints.append(Fingerprint(told.map(\.bitPattern)).value)
    var rest = stride(from: 0, to: sums.count, by: 3).map { sums[$0] }[...]
    var (hasIdle, hasAll) = (false, false)
    for (router, experts) in zip(model.manifest.routers, loads) {
      let chosen = rest.prefix(experts.count)
      rest = rest.dropFirst(experts.count)
      let tokens = chosen.reduce(0, +) / Double(router.choices)
      if tokens == 0 { continue }
      hasIdle = hasIdle || chosen.contains(0)
      hasAll = hasAll || chosen.contains(tokens)
    }
    if hasIdle { withIdle += 1 }
    if hasAll { withAll += 1 }
    if norm == 0 { withoutTargets += 1 }
  }

  mutating func add(everythingIn model: Model) throws {
    for index in model.manifest.parameters.indices {
      for kind in [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts]
      where model.keeps(kind, of: index) {
        prints.append(
          Fingerprint(try model.read(kind, index).lazy.map { UInt64($0.bitPattern) }).value)
      }
    }
  }
}

/// FNV-1a over words.
private struct Fingerprint {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  init(_ words: some Sequence<UInt64>) {
    for word in words { value = (value ^ word) &* 0x100_0000_01b3 }
  }
}
