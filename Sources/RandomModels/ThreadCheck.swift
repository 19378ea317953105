import Comparison
import GraphIR
import Interpreter
import ModelRuntime

/// Whether a library's bits are the same for any number of threads, for batches side by side, and for
/// texts that go on from others.
struct ThreadCheck {
  private let trial: Trial

  init(
    _ reference: Graph, _ library: ModelLibrary, seed: UInt64, ignoring ignored: IgnoredTargets
  ) {
    trial = Trial(reference, library, seed: seed, ignoring: ignored)
  }

  func differences() throws -> [String] {
    let expected = try bits(threads: 1)
    var found = try lanes() + accumulated()
    for threads in [2, 3, 4] {
      let actual = try bits(threads: threads)
      found += zip(actual, expected).filter { $0.bits != $1.bits }.map { pair, _ in
        "\(pair.name): other bits with \(threads) threads than with one"
      }
    }
    return found
  }

  private func bits(threads: Int) throws -> [(name: String, bits: [UInt32])] {
    let (tokens, targets, seed) = (trial.tokens, trial.targets, trial.seed)
    let model = try trial.model()
    try model.setThreads(threads)
    var found: [(name: String, bits: [UInt32])] = []
    func add(_ name: String, _ numbers: [Float]) {
      found.append((name, numbers.map { $0.isNaN ? 0 : $0.bitPattern }))
    }
    add("training loss", [try model.gradients(tokens: tokens, targets: targets, seed: seed)])
    add("terms", try model.terms())
    for name in trial.learned {
      add("gradient of \(name)", try model.read(.gradient, named: name))
    }
    add("evaluation losses", try losses(model))
    for length in [1, (tokens.count + 1) / 2, 1] where length <= trial.reference.context.size {
      add("logits", try model.logits(tokens: Array(tokens.prefix(length)), seed: seed))
    }
    let hyper = Hyperparameters(trial.library.manifest.defaults, seed: seed)
    add("loss of a step", [try model.trainStep(tokens: tokens, targets: targets, with: hyper)])
    for name in trial.parameters.keys.sorted() {
      for kind in [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts]
      where try model.keeps(kind, of: model.index(of: name)) {
        add("\(kind) of \(name) after a step", try model.read(kind, named: name))
      }
    }
    return found
  }

  /// A batch that is accumulated and then steps leaves what a step with it does.
  private func accumulated() throws -> [String] {
    // By its weight, if that is not 1, it is multiplied and divided, which rounds.
    let counted = trial.targets.count { $0 != Model.ignoredTarget }
    if counted != 0 && counted != trial.targets.count { return [] }
    let (tokens, targets, seed) = (trial.tokens, trial.targets, trial.seed)
    let hyper = Hyperparameters(trial.library.manifest.defaults, seed: seed)
    let (stepped, accumulated) = (try trial.model(), try trial.model())
    _ = try stepped.trainStep(tokens: tokens, targets: targets, with: hyper)
    // A loss that is no number is counted by neither.
    let loss = try accumulated.accumulate(tokens: tokens, targets: targets, seed: seed)
    if !loss.isFinite { return [] }
    // So is a gradient that is no number, by an update alone.
    if !(try accumulated.update(with: hyper, maximumNorm: nil)).isFinite { return [] }
    return try trial.parameters.keys.sorted().filter { name in
      let values = [try stepped.read(named: name), try accumulated.read(named: name)]
      return zip(values[0], values[1]).contains { $0.bitPattern != $1.bitPattern && !$0.isNaN }
    }.map { "\($0): a step with it and an update after it differ" }
  }

  /// A batch's loss beside other batches is the same as alone.
  private func lanes() throws -> [String] {
    let model = try trial.model()
    let alone = try model.loss(tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
    let beside = try losses(model)
    // Behind one that is no number all others are left out.
    let compared = beside[1].isFinite ? [0, 2] : [0]
    let isSame = compared.allSatisfy {
      beside[$0].bitPattern == alone.bitPattern || !alone.isFinite
    }
    return isSame ? [] : ["a batch's loss beside others is \(beside), alone \(alone)"]
  }

  /// The losses of the batch, of another, and of the batch again.
  private func losses(_ model: Model) throws -> [Float] {
    let (tokens, targets, seed) = (trial.tokens, trial.targets, trial.seed)
    return try model.losses(
      tokens: tokens + tokens.reversed() + tokens, targets: targets + tokens + targets,
      seeds: [seed, seed &+ 1, seed])
  }
}
