import Comparison
import CompiledModels
import GraphIR
import ModelRuntime
import Passes
import Planning
import Ranks
import Testing
import Words

/// Frozen parts and low-rank adapters, in C.
@Suite struct AdapterTests {
  /// A library, and what it was made of; each test loads it anew.
  struct Case: Sendable {
    var reference: Graph
    var plan: Plan
    var path: String
    var library: ModelLibrary { get throws { try ModelLibrary(path: path) } }
  }

  private static func compiled(_ graph: Graph, _ pass: Pass) -> Result<Case, any Error> {
    Result {
      let compiled = try CompiledModel(pass.run(graph), accumulates: true)
      return Case(
        reference: compiled.reference, plan: compiled.plan, path: compiled.library.path)
    }
  }

  private static func adapters(_ graph: Graph, _ learned: String...) -> Result<Case, any Error> {
    compiled(
      graph,
      .addAdapters(
        AdapterRequest(
          rank: 4, targets: [.all, .named(ParameterPattern("head"))],
          learned: learned.map(ParameterPattern.init))))
  }

  private static let cases: [(String, Result<Case, any Error>)] = [
    (
      "adapters of a dense model",
      Result { try FamilyModel(.llama) { $0.experts = 0 }.graph() }.flatMap { adapters($0) }
    ),
    (
      "adapters of experts, biases and gains that learn",
      Result { try FamilyModel(.gptOSS) { ($0.window, $0.limit) = (4, 1) }.graph() }.flatMap {
        adapters($0, "*.bias", "final")
      }
    ),
    (
      "adapters of joined units and a noisy router",
      Result { try GatedModel().graph() }.flatMap { adapters($0) }
    ),
    (
      "a frozen beginning, and attention",
      Result { try GatedModel().graph() }.flatMap {
        compiled($0, .freeze(["token", "block.0", "block.*.attention"].map(ParameterPattern.init)))
      }
    ),
    (
      "all but biases frozen",
      Result { try GatedModel().graph() }.flatMap {
        compiled($0, .freeze([ParameterPattern("*.weight")]))
      }
    ),
  ]

  @Test(
    "Losses, gradients, logits and a step are those of the interpreter", arguments: cases.indices)
  func parity(_ index: Int) throws {
    let compiled = try Self.cases[index].1.get()
    var compared = 0
    for seed: UInt64 in 1...6 where compared < 2 {
      let comparison = Comparison(compiled.reference, try compiled.library, seed: seed)
      guard let report = try comparison.report() else { continue }
      compared += 1
      #expect(report.wrong == [] && report.compared > 10, "\(Self.cases[index].0)")
    }
    #expect(compared > 0)
  }

  @Test("Gradients and moments are of what learns, and nothing else", arguments: cases.indices)
  func room(_ index: Int) throws {
    let compiled = try Self.cases[index].1.get()
    let (plan, manifest) = (compiled.plan, try compiled.library.manifest)
    let learned = plan.parameters.filter(\.update.isLearned)
    #expect(learned.allSatisfy { !$0.isFrozen } && !learned.isEmpty)
    #expect(!plan.parameters.filter(\.isFrozen).isEmpty)
    let bytes = learned.reduce(0) { $0 + $1.master.bytes }
    for region in [Region.gradients, .firstMoments, .secondMoments] {
      #expect(plan.regions.bytes(of: region) == bytes, "\(region)")
    }
    for parameter in manifest.parameters {
      let planned = try #require(plan.parameters.first { $0.name == parameter.name })
      #expect(parameter.isFrozen == planned.isFrozen)
      #expect(parameter.hasGradient == planned.update.isLearned, "\(parameter.name)")
      #expect(parameter.adapter?.weight == planned.adapter?.weight)
      #expect(parameter.adapter?.scale == planned.adapter?.scale)
    }
    #expect(try Plan(parsing: plan.text, of: plan.graph) == plan)
    #expect(plan.summary.contains("\nlearned: "))
    let exchanges = Exchanges(plan, ranks: 2, batches: 1)
    let owned = exchanges.owned.reduce(0, +) * 4
    #expect(owned <= bytes && owned > bytes / 2)
  }

  private static func ids(_ manifest: Manifest, _ number: Int) -> [Int32] {
    (0..<manifest.batch * manifest.context).map {
      Int32(($0 * 31 + number * 17 + $0 / 3) % manifest.vocabulary)
    }
  }

  /// Everything after three updates of four batches, as each of some ranks has it.
  private static func updated(_ compiled: Case, ranks: Int, threads: Int) throws -> [[[UInt32]]] {
    try Ranks.threads(ranks) { ranks in
      let own = 4 / ranks.count
      let model = try Model(try compiled.library, exchange: ranks.exchange, batches: own)
      try model.setThreads(threads)
      model.initialize(seed: 5)
      for step in 0..<3 {
        for batch in ranks.rank * own..<(ranks.rank + 1) * own {
          _ = try model.accumulate(
            tokens: ids(model.manifest, 10 * step + batch),
            targets: ids(model.manifest, 10 * step + batch + 5), seed: UInt64(step * 4 + batch))
        }
        _ = try model.update(
          with: Hyperparameters(model.manifest.defaults, seed: 7), maximumNorm: 1)
      }
      return try model.manifest.parameters.indices.flatMap { index in
        try [Model.Kind.value, .firstMoment].filter { model.keeps($0, of: index) }.map {
          try model.read($0, index).map(\.bitPattern)
        }
      }
    }
  }

  @Test(
    "Steps leave frozen values bit for bit, and threads and ranks change nothing",
    arguments: cases.indices)
  func steps(_ index: Int) throws {
    let compiled = try Self.cases[index].1.get()
    let model = try Model(try compiled.library)
    model.initialize(seed: 5)
    let manifest = model.manifest
    let before = try manifest.parameters.indices.map { try model.read(.value, $0) }
    let hyper = Hyperparameters(manifest.defaults, seed: 7)
    for step in 0..<2 {
      _ = try model.trainStep(
        tokens: Self.ids(manifest, step), targets: Self.ids(manifest, step + 3), with: hyper)
    }
    for (index, parameter) in manifest.parameters.enumerated() where !parameter.isState {
      let isSame = try model.read(.value, index) == before[index]
      // The first matrix of an adapter moves when the second does; an expert may have had no tokens.
      if parameter.isFrozen { #expect(isSame, "\(parameter.name)") }
      if parameter.hasGradient, parameter.adapter?.isFirst == false { #expect(!isSame) }
    }
    let alone = try Self.updated(compiled, ranks: 1, threads: 1)
    #expect(try Self.updated(compiled, ranks: 1, threads: 3) == alone)
    for rank in try Self.updated(compiled, ranks: 2, threads: 1) { #expect(rank == alone[0]) }
  }
}
