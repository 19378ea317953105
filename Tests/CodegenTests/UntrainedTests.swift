import Comparison
import CompiledModels
import GraphIR
import MoE
import ModelRuntime
import Planning
import Testing

/// Parameters that no gradient reaches, beside states and learned ones, in C.
@Suite struct UntrainedTests {
  /// Of two blocks, each with a vector and experts that only the rule of a state reads.
  static func graph(_ name: String) throws -> Graph {
    typealias Axis = MoE.Axis
    let (V, T, B) = (Axis("V", 11), Axis("T", 5), Axis("B", 4))
    let (C, E) = (Axis("C", 12), Axis("E", 4))
    return try LanguageModel.trace(name, vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      let y = layers("block", 2, x) { x in
        let seen = state("seen", C, initial: 2)
        let still = parameter("still", C)
        let x = x.layerNorm("norm")
        let routing = x.linear("gate", E).top(2).softmax()
        let spare = x.routed(by: routing).linear("spare", C).combined()
        seen.update(to: seen.value * still + spare.mean(over: B, T))
        let rows = x.routed(by: routing)
        return x + seen.value + rows.linear("up", 2 * C).relu().linear("down", C).combined()
      }
      return y.linear("head", V)
    }
  }

  private static let names = ["still", "spare.weight", "spare.bias"]

  /// Compiled once for all tests, loaded by each.
  private struct Compiled: Sendable {
    var reference: Graph
    var plan: Plan
    var path: String
    var library: ModelLibrary { get throws { try ModelLibrary(path: path) } }
  }

  private static let compiled = Result {
    let compiled = try CompiledModel(graph("untrained"), accumulates: true)
    return Compiled(
      reference: compiled.reference, plan: compiled.plan, path: compiled.library.path)
  }

  private func fresh() throws -> Model {
    let model = try Model(Self.compiled.get().library)
    model.initialize(seed: 3)
    return model
  }

  private func ids(_ number: Int) -> [Int32] {
    (0..<20).map { Int32(($0 * 31 + number * 17 + $0 / 3) % 11) }
  }

  /// What there is without gradient in both blocks, by its place among the parameters.
  private func untrained(_ model: Model) throws -> [Int] {
    try ["block.0.", "block.1."].flatMap { block in
      try Self.names.map { try model.index(of: block + $0) }
    }
  }

  @Test("They and states take no room among gradients and moments, and the manifest says so")
  func room() throws {
    let compiled = try Self.compiled.get()
    let (plan, manifest) = (compiled.plan, try compiled.library.manifest)
    #expect(plan.layers.filter { $0.name == "block" }.count == 1)
    let kept = plan.parameters.filter { $0.update == .none || $0.update == .rule }
    #expect(kept.count == 8)
    for parameter in kept {
      #expect(parameter.gradient == nil && parameter.moments == [] && parameter.steps == nil)
      #expect((parameter.next != nil) == (parameter.update == .rule))
    }
    let learned = plan.parameters.filter(\.update.isLearned).reduce(0) { $0 + $1.master.bytes }
    let rest = kept.reduce(0) { $0 + $1.master.bytes }
    #expect(plan.memory.parameters == learned + rest && rest > 0)
    for region in [Region.gradients, .firstMoments, .secondMoments] {
      #expect(plan.regions.bytes(of: region) == learned, "\(region)")
    }
    // A state of 12 numbers in each block.
    #expect(plan.regions.bytes(of: .nextStates) == 2 * 64)
    let without = manifest.parameters.filter { !$0.hasGradient && !$0.isState }.map(\.name)
    #expect(Set(without) == Set(kept.filter { $0.update == .none }.map(\.name)))
    #expect(try Plan(parsing: plan.text, of: plan.graph) == plan)
  }

  @Test("Loss, gradients, moments and states are those of the interpreter")
  func parity() throws {
    let compiled = try Self.compiled.get()
    for seed: UInt64 in 1...3 {
      let report = try #require(
        try Comparison(compiled.reference, compiled.library, seed: seed).report())
      #expect(report.wrong == [] && report.compared > 20)
    }
  }

  @Test("Steps, accumulated batches and clipping leave them as they were")
  func steps() throws {
    let model = try fresh()
    let parameters = try untrained(model)
    let before = try parameters.map { try model.read(.value, $0) }
    let hyper = Hyperparameters(model.manifest.defaults, seed: 7)
    _ = try model.trainStep(tokens: ids(1), targets: ids(2), with: hyper)
    for number in 0..<3 {
      _ = try model.accumulate(tokens: ids(number), targets: ids(number + 4), seed: 7)
    }
    let norm = try model.update(with: hyper, maximumNorm: 1e-3)
    #expect(norm > 1e-3)
    #expect(try parameters.map { try model.read(.value, $0) } == before)
    let gradients = try model.manifest.parameters.indices.filter {
      model.keeps(.gradient, of: $0)
    }.flatMap { try model.read(.gradient, $0) }
    let after = gradients.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(after / 1e-3 - 1) < 1e-3)
  }

  @Test("Beside their values there are zeros, and only zeros can be written")
  func kinds() throws {
    let model = try fresh()
    for (index, kind) in try untrained(model).flatMap({ i in
      Model.Kind.allCases.filter { $0 != .value }.map { (i, $0) }
    }) {
      let zeros = [Float](repeating: 0, count: model.count(kind, of: index))
      #expect(!model.keeps(kind, of: index))
      #expect(try model.read(kind, index) == zeros)
      try model.write(zeros, kind, index)
      let refused = #expect(throws: ModelError.self) {
        try model.write(zeros.map { _ in 1 }, kind, index)
      }
      #expect(refused?.message.contains("without gradient is 1, but must be 0") == true)
    }
  }
}
