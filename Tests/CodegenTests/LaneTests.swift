import CompiledModels
import Foundation
import ModelRuntime
import Planning
import Testing

/// Several passes of evaluation at once, against one after the other.
@Suite struct LaneTests {
  private static let models = [
    MakeMoE("lanes") { ($0.depth, $0.dropout) = (4, 0.1) },
    MakeMoE("lanes-dropping") { ($0.depth, $0.capacity) = (3, 0.6) },
    MakeMoE("one-lane") { $0.depth = 1 },
  ]

  /// Batches of a model and a seed for each.
  private struct Batches {
    var tokens: [[Int32]]
    var targets: [[Int32]]
    var seeds: [UInt64]

    init(_ compiled: CompiledModel, count: Int) {
      let (graph, range) = (compiled.reference, 0..<UInt64(count))
      tokens = range.map { Trial.ids(of: graph, seed: $0, stream: 1 << 40) }
      targets = range.map { Trial.ids(of: graph, seed: $0, stream: 1 << 41) }
      seeds = range.map { 100 + $0 }
    }

    func losses(of model: Model) throws -> [Float] {
      try model.losses(
        tokens: tokens.flatMap { $0 }, targets: targets.flatMap { $0 }, seeds: seeds)
    }
  }

  private func bits(_ losses: [Float]) -> [UInt32] { losses.map(\.bitPattern) }

  @Test("Losses, loads and routes are those of passes one by one", arguments: models)
  func agrees(model: MakeMoE) throws {
    let compiled = try CompiledModel(model.graph())
    #expect((compiled.plan.lanes.count > 1) == (model.depth > 1))
    let (trial, batches) = (Trial(compiled), Batches(compiled, count: 7))
    let alone = try trial.model()
    let expected = try batches.seeds.indices.map { index in
      try alone.loss(
        tokens: batches.tokens[index], targets: batches.targets[index], seed: batches.seeds[index])
    }
    #expect(Set(expected).count == 7)
    let loads = try alone.takeExpertLoads(.evaluation)
    let routes = try alone.routes(tokens: model.B * model.T)
    for threads in 1...4 {
      let together = try trial.model()
      try together.setThreads(threads)
      #expect(bits(try batches.losses(of: together)) == bits(expected), "\(threads) threads")
      #expect(try together.takeExpertLoads(.evaluation) == loads)
      #expect(try together.routes(tokens: model.B * model.T) == routes)
      // What was made in a further lane leaves no trace in what is made after it.
      let trained = try [alone, together].map {
        try $0.gradients(tokens: trial.tokens, targets: trial.targets, seed: 1)
      }
      #expect(trained[0] == trained[1])
    }
  }

  @Test("Kept keys and values are forgotten where lanes lay over them")
  func forgets() throws {
    let compiled = try CompiledModel(AttentionModel(.joined) { ($0.T, $0.depth) = (11, 5) }.graph())
    #expect(compiled.plan.lanes.count > 1)
    let (trial, batches) = (Trial(compiled), Batches(compiled, count: 4))
    let (model, fresh) = (try trial.model(), try trial.model())
    try model.setThreads(2)
    let text = Array(trial.tokens.prefix(6))
    _ = try model.logits(tokens: text, seed: 1)
    _ = try batches.losses(of: model)
    let longer = text + [trial.tokens[7]]
    let logits = try [model, fresh].map { bits(try $0.logits(tokens: longer, seed: 1)) }
    #expect(logits[0] == logits[1])
  }

  @Test("The experts that a pass is to take are the first batch's")
  func replays() throws {
    let model = Self.models[0]
    let compiled = try CompiledModel(model.graph())
    let (trial, batches) = (Trial(compiled), Batches(compiled, count: 4))
    let (alone, together) = (try trial.model(), try trial.model())
    let pairs = model.B * model.T * model.depth
    let given = (0..<pairs).flatMap { _ in (0..<Int32(model.chosen)).map { $0 } }
    for each in [alone, together] {
      try each.setThreads(2)
      try each.replay(given, tokens: model.B * model.T)
    }
    let expected = try batches.seeds.indices.map { index in
      try alone.loss(
        tokens: batches.tokens[index], targets: batches.targets[index], seed: batches.seeds[index])
    }
    #expect(bits(try batches.losses(of: together)) == bits(expected))
  }

  @Test("Batches behind a loss that is not finite are left out, and its place is found in its lane")
  func stops() throws {
    let sizes = Self.models[0]
    let compiled = try CompiledModel(sizes.graph())
    let trial = Trial(compiled)
    var batches = Batches(compiled, count: 6)
    // Only the second batch has the token whose row, with that of a position, is not finite.
    for index in batches.tokens.indices {
      batches.tokens[index] = batches.tokens[index].map { max($0, 1) }
    }
    batches.tokens[1][0] = 0
    let model = try trial.model()
    try model.setThreads(2)
    let table = try #require(
      model.manifest.parameters.firstIndex { $0.name == "token.weight" })
    var rows = try model.read(.value, table)
    for column in 0..<sizes.C { rows[column] = 3e38 }
    try model.write(rows, .value, table)
    let positions = try model.read(.value, named: "position.weight")
    try model.write(positions.map { _ in 1e38 }, .value, named: "position.weight")
    let losses = try batches.losses(of: model)
    #expect(losses[0].isFinite)
    #expect(losses.dropFirst().allSatisfy { $0.isNaN })
    #expect(try model.firstBad() == "input")
    let counted = try model.takeExpertLoads(.evaluation)[0].reduce(0) { $0 + $1.chosen }
    #expect(counted == 2 * sizes.B * sizes.T * sizes.chosen)
  }

  @Test("A token that is none is an error, wherever it is")
  func refuses() throws {
    let compiled = try CompiledModel(Self.models[0].graph())
    let trial = Trial(compiled)
    var batches = Batches(compiled, count: 3)
    batches.targets[2][1] = -1
    let model = try trial.model()
    let error = #expect(throws: ModelError.self) { try batches.losses(of: model) }
    #expect(error?.message.contains("target -1 is outside of the vocabulary") == true)
    #expect(throws: ModelError.self) {
      try model.losses(tokens: trial.tokens, targets: trial.targets, seeds: [1, 2])
    }
    #expect(try model.losses(tokens: [], targets: [], seeds: []).isEmpty)
  }

  @Test("Lanes lie where only training keeps anything", arguments: models)
  func lies(model: MakeMoE) throws {
    let plan = try Pipelines.plan(model.graph())
    let lanes = plan.lanes
    #expect(lanes.count * lanes.savedBytes <= plan.memory.saved)
    #expect(lanes.count * lanes.scratchBytes <= plan.regions.bytes(of: .scratch))
    for edge in plan.edges where edge.role == .activation {
      #expect(edge.offset + edge.bytes <= lanes.savedBytes)
    }
    for use in plan.uses {
      let bytes = plan.layers[use.layer].saved.reduce(0) { $0 + $1.bytes }
      if use.instance == 0 {
        #expect(use.savedOffset + bytes <= lanes.savedBytes)
      } else {
        #expect(use.savedOffset >= lanes.savedBytes)
      }
    }
  }
}
