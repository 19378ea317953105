import CompiledModels
import GraphIR
import Interpreter
import MoE
import ModelRuntime
import Testing

/// Targets of -100: out of losses, gradients, steps, loads and what balances experts.
@Suite struct IgnoredTargetTests {
  /// Mixtures that are balanced in every way.
  private static func model(_ name: String, B: Int, T: Int, V: Int) throws -> Graph {
    let (V, T, B) = (MoE.Axis("V", V), MoE.Axis("T", T), MoE.Axis("B", B))
    let (C, E) = (MoE.Axis("C", 6), MoE.Axis("E", 4))
    return try LanguageModel.trace(name, vocabulary: V, context: T, batch: B) { text in
      let x = layers("block", 2, text.tokens.embedding("token", C)) { x in
        let bias = routerBias("bias", E)
        let logits = x.linear("gate", E).zLoss(0.01)
        let s = logits.softmax()
        let routing = s.top(2, by: s + bias.value).normalized().balanced(by: bias)
          .balanced(0.1).balanced(0.1, over: .sequence, name: "sequences").importance(0.1)
        let rows = x.routed(by: routing, capacity: .share(1.25)).linear("up", C).relu()
        return x + rows.combined() + x.causalMixed(C)
      }
      return x.linear("head", V)
    }
  }

  /// Compiled once for all tests, loaded by each.
  private struct Compiled: Sendable {
    var reference: Graph
    var path: String

    func trial(seed: UInt64, ignoring ignored: IgnoredTargets = .none) throws -> Trial {
      Trial(reference, try ModelLibrary(path: path), seed: seed, ignoring: ignored)
    }
  }

  private static let compiled = Result {
    let compiled = try CompiledModel(model("ignoring", B: 3, T: 5, V: 7), accumulates: true)
    return Compiled(reference: compiled.reference, path: compiled.library.path)
  }

  private static func bits(_ model: Model, _ kinds: [Model.Kind]) throws -> [[UInt32]] {
    try model.manifest.parameters.indices.flatMap { index in
      try kinds.filter { model.keeps($0, of: index) }.map {
        try model.read($0, index).map(\.bitPattern)
      }
    }
  }

  @Test(
    "The C is the interpreter's, whatever is ignored, at sizes of 1 and odd ones",
    arguments: [(1, 1, 1), (1, 3, 2), (3, 5, 7), (2, 17, 33)])
  func agrees(B: Int, T: Int, V: Int) throws {
    let compiled = try CompiledModel(Self.model("sizes", B: B, T: T, V: V))
    for ignored in IgnoredTargets.allCases {
      var compared = 0
      for seed in 1...8 as ClosedRange<UInt64> where compared == 0 {
        let comparison = Comparison(
          compiled.reference, compiled.library, seed: seed, ignoring: ignored)
        guard let report = try comparison.report() else { continue }
        #expect(report.wrong == [], "\(ignored)")
        compared = report.compared
      }
      #expect(compared > 20, "\(ignored)")
    }
  }

  @Test("The bits are the same for any number of threads", arguments: IgnoredTargets.allCases)
  func threads(ignored: IgnoredTargets) throws {
    let trial = try Self.compiled.get().trial(seed: 2, ignoring: ignored)
    let runs = try (1...4).map { threads in
      let model = try trial.model()
      try model.setThreads(threads)
      let hyper = Hyperparameters(model.manifest.defaults, seed: 3)
      _ = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
      let terms = try model.terms().map(\.bitPattern)
      _ = try model.gradients(tokens: trial.tokens, targets: trial.targets, seed: 3)
      return try Self.bits(model, [.value, .firstMoment, .stepCounts, .gradient]) + [terms]
    }
    #expect(runs.allSatisfy { $0 == runs[0] })
  }

  @Test("Where all are ignored the loss is 0, and a step changes nothing")
  func nothing() throws {
    let trial = try Self.compiled.get().trial(seed: 1)
    let none = [Int32](repeating: Model.ignoredTarget, count: trial.targets.count)
    let (model, kinds) = (try trial.model(), [Model.Kind.value, .firstMoment, .stepCounts])
    let hyper = Hyperparameters(model.manifest.defaults, seed: 3)
    _ = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    let before = try Self.bits(model, kinds)
    #expect(try model.loss(tokens: trial.tokens, targets: none, seed: 1) == 0)
    #expect(try model.trainStep(tokens: trial.tokens, targets: none, with: hyper) == 0)
    for _ in 0..<2 {
      #expect(try model.accumulate(tokens: trial.tokens, targets: none, seed: 1) == 0)
    }
    #expect(try model.update(with: hyper, maximumNorm: 1) == 0)
    #expect(try Self.bits(model, kinds) == before)
    // The update has taken what was accumulated.
    #expect(throws: ModelError.self) { try model.update(with: hyper, maximumNorm: nil) }
    #expect(try model.gradients(tokens: trial.tokens, targets: none, seed: 1) == 0)
    for index in model.manifest.parameters.indices where model.keeps(.gradient, of: index) {
      #expect(try model.read(.gradient, index).allSatisfy { $0 == 0 })
    }
  }

  @Test("A batch without targets is left out of an update")
  func leftOut() throws {
    let trial = try Self.compiled.get().trial(seed: 1)
    let none = [Int32](repeating: Model.ignoredTarget, count: trial.targets.count)
    let (a, b) = (try trial.model(), try trial.model())
    let hyper = Hyperparameters(a.manifest.defaults, seed: 3)
    for targets in [none, trial.targets, none] {
      _ = try a.accumulate(tokens: trial.tokens, targets: targets, seed: 3)
    }
    _ = try b.accumulate(tokens: trial.tokens, targets: trial.targets, seed: 3)
    #expect(
      try a.update(with: hyper, maximumNorm: nil) == b.update(with: hyper, maximumNorm: nil))
    for index in a.manifest.parameters.indices {
      for kind in [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts]
      where a.keeps(kind, of: index) {
        #expect(try a.read(kind, index) == b.read(kind, index))
      }
    }
  }

  @Test("Batches with unequal numbers of targets are one large batch")
  func unequal() throws {
    // Without terms and noise: of the same sequences together the loss is the same function.
    let change = { (model: inout MakeMoE) in
      (model.isNoisy, model.T, model.V, model.C) = (false, 5, 11, 12)
    }
    let small = try CompiledModel(
      MakeMoE("parts") {
        change(&$0)
        $0.B = 2
      }.graph(), accumulates: true)
    let large = try CompiledModel(
      MakeMoE("whole") {
        change(&$0)
        $0.B = 6
      }.graph())
    let whole = Trial(large, seed: 6)
    let (parts, together) = (try Model(small.library), try whole.model())
    parts.initialize(seed: 0)
    for (name, values) in whole.parameters { try parts.write(values, named: name) }
    let each = 10
    var targets = whole.targets
    for index in [0, 1, 2, 4, 5, 7, 8, 9, 13] { targets[index] = Model.ignoredTarget }
    var sum = 0.0
    for part in 0..<3 {
      let batch = part * each..<(part + 1) * each
      let loss = try parts.accumulate(
        tokens: Array(whole.tokens[batch]), targets: Array(targets[batch]), seed: 1)
      sum += Double(loss) * Double(targets[batch].count { $0 >= 0 })
    }
    let loss = try together.accumulate(tokens: whole.tokens, targets: targets, seed: 1)
    #expect(abs(Double(loss) - sum / 21) < 1e-5)
    let hyper = Hyperparameters(parts.manifest.defaults, seed: 3)
    let norm = try parts.update(with: hyper, maximumNorm: nil)
    #expect(abs(norm - (try together.update(with: hyper, maximumNorm: nil))) < 1e-5 * norm)
    for (index, parameter) in parts.manifest.parameters.enumerated() {
      let expected = try together.read(.firstMoment, index).map(Double.init)
      let found = Disagreement(
        parameter.name, try parts.read(.firstMoment, index), expected, scale: 1e-3 * Double(norm))
      #expect(found.error < 1e-3, "\(found)")
    }
  }

  @Test("Loads are of tokens whose targets are not ignored, in training and in lanes")
  func loads() throws {
    let trial = try Self.compiled.get().trial(seed: 2, ignoring: .some)
    let model = try trial.model()
    let count = trial.targets.count { $0 != Model.ignoredTarget }
    #expect(count < trial.targets.count)
    _ = try model.gradients(tokens: trial.tokens, targets: trial.targets, seed: 1)
    let routes = try model.routes(tokens: trial.tokens.count)
    for (router, loads) in try model.takeExpertLoads(.training).enumerated() {
      let chosen = trial.targets.indices.filter { trial.targets[$0] >= 0 }.flatMap {
        routes[router].experts[2 * $0..<2 * $0 + 2]
      }
      #expect(loads.map(\.chosen) == (0..<4).map { e in chosen.count { $0 == e } })
    }
    // Lanes side by side have targets of their own.
    let all = trial.targets.map { max($0, 0) }
    try model.setThreads(2)
    _ = try model.losses(
      tokens: trial.tokens + trial.tokens, targets: trial.targets + all, seeds: [1, 1])
    let total = try model.takeExpertLoads(.evaluation)[0].reduce(0) { $0 + $1.chosen }
    #expect(total == 2 * (count + all.count))
  }

  @Test("Any other number that is no target is refused", arguments: [-1, -99, -101, 7] as [Int32])
  func refused(target: Int32) throws {
    let trial = try Self.compiled.get().trial(seed: 2)
    let model = try trial.model()
    var targets = trial.targets
    targets[4] = target
    let hyper = Hyperparameters(model.manifest.defaults, seed: 3)
    for call in [
      { _ = try model.trainStep(tokens: trial.tokens, targets: targets, with: hyper) },
      { _ = try model.accumulate(tokens: trial.tokens, targets: targets, seed: 1) },
      { _ = try model.loss(tokens: trial.tokens, targets: targets, seed: 1) },
    ] as [() throws -> Void] {
      let error = #expect(throws: ModelError.self, performing: call)
      let expected = "target \(target) is outside of the vocabulary, 0 ..< 7, and not MOEC_IGNORED"
      #expect(error?.message.contains(expected) == true)
    }
    var tokens = trial.tokens
    tokens[0] = Model.ignoredTarget
    #expect(throws: ModelError.self) {
      try model.gradients(tokens: tokens, targets: trial.targets, seed: 1)
    }
  }
}

extension Tensor {
  /// A little of what came before, so that positions that are ignored matter to others.
  fileprivate func causalMixed(_ C: MoE.Axis) -> Tensor {
    let shares = linear("query", C).matmul(linear("key", C).transposed()).causalMasked().softmax()
    return shares.matmul(self) * 0.5
  }
}
