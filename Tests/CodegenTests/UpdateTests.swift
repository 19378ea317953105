import CompiledModels
import ModelRuntime
import Testing

/// Accumulation, clipping, decay by parameter, and losses that are not finite.
@Suite struct UpdateTests {
  private static let model = MakeMoE("updates") {
    ($0.B, $0.T, $0.V, $0.C, $0.experts, $0.dropout) = (2, 5, 11, 12, 6, 0.1)
  }

  // Compiled once for all tests, loaded by each.
  private static let plain = Result { try CompiledModel(model.graph()).library.path }
  private static let accumulating = Result {
    try CompiledModel(model.graph(), accumulates: true).library.path
  }

  private func fresh(_ path: Result<String, any Error>) throws -> Model {
    let model = try Model(ModelLibrary(path: path.get()))
    model.initialize(seed: 3)
    return model
  }

  private func batch(_ number: Int, of model: Model) -> [Int32] {
    let manifest = model.manifest
    return (0..<manifest.batch * manifest.context).map { index in
      Int32((index * 31 + number * 17 + index / 3) % manifest.vocabulary)
    }
  }

  private func all(_ kind: Model.Kind, of model: Model) throws -> [[UInt32]] {
    try model.manifest.parameters.indices.map { try model.read(kind, $0).map(\.bitPattern) }
  }

  private func hyper(_ model: Model) -> Hyperparameters {
    Hyperparameters(model.manifest.defaults, seed: 7)
  }

  @Test("One accumulated batch and an update are a step, to the bit")
  func isAStep() throws { try expectSteps(like: Self.plain) }

  @Test("A step made between the products of others is whole where widths are odd")
  func isAStepOfOddWidth() throws {
    let odd = MakeMoE("odd-updates") {
      ($0.B, $0.T, $0.V, $0.C, $0.experts, $0.dropout) = (3, 7, 11, 45, 3, 0.1)
      $0.heads = 3
    }
    try expectSteps(like: Result { try CompiledModel(odd.graph()).library.path })
  }

  /// Three steps, and three batches that are accumulated and then used for an update.
  private func expectSteps(like path: Result<String, any Error>) throws {
    let (a, b) = (try fresh(path), try fresh(path))
    for number in 0..<3 {
      let (x, y) = (batch(number, of: a), batch(number + 5, of: a))
      let loss = try a.trainStep(tokens: x, targets: y, with: hyper(a))
      #expect(try b.accumulate(tokens: x, targets: y, seed: 7) == loss)
      _ = try b.update(with: hyper(b), maximumNorm: nil)
    }
    for kind in [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts] {
      #expect(try all(kind, of: a) == all(kind, of: b))
    }
  }

  @Test("Weights that are updated together each keep a decay of their own")
  func joinedDecay() throws {
    let wide = MakeMoE("joined") {
      ($0.B, $0.T, $0.V, $0.C, $0.experts, $0.dropout) = (2, 5, 11, 32, 6, 0.1)
      $0.heads = 4
    }
    let path = Result<String, any Error> { try CompiledModel(wide.graph()).library.path }
    let (a, b) = (try fresh(path), try fresh(path))
    let key = try #require(a.manifest.parameters.firstIndex { $0.name.contains("key.weight") })
    for model in [a, b] { try model.setDecay(false, of: key) }
    var hyper = hyper(a)
    hyper.weightDecay = 0.5
    for number in 0..<3 {
      let (x, y) = (batch(number, of: a), batch(number + 5, of: a))
      let loss = try a.trainStep(tokens: x, targets: y, with: hyper)
      #expect(try b.accumulate(tokens: x, targets: y, seed: 7) == loss)
      _ = try b.update(with: hyper, maximumNorm: nil)
    }
    for kind in [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts] {
      #expect(try all(kind, of: a) == all(kind, of: b))
    }
  }

  @Test("Gradients are added up in pairs, whenever they are read", arguments: 2...7)
  func adds(count: Int) throws {
    let model = try fresh(Self.accumulating)
    let gradients = try (0..<count).map { number in
      let (x, y) = (batch(number, of: model), batch(number + 5, of: model))
      _ = try model.gradients(tokens: x, targets: y, seed: 7)
      return try model.manifest.parameters.indices.map { try model.read(.gradient, $0) }
    }
    for number in 0..<count {
      let (x, y) = (batch(number, of: model), batch(number + 5, of: model))
      _ = try model.accumulate(tokens: x, targets: y, seed: 7)
    }
    let added = try model.manifest.parameters.indices.map { try model.read(.gradient, $0) }
    #expect(added == Self.sum(gradients[...]))
    #expect(added.joined().contains { $0 != 0 })
  }

  /// The largest half that is a power of two, and the rest.
  private static func sum(_ gradients: ArraySlice<[[Float]]>) -> [[Float]] {
    guard gradients.count > 1, let first = gradients.first else { return gradients.first ?? [] }
    var half = 1
    while 2 * half < gradients.count { half *= 2 }
    let (a, b) = (sum(gradients.prefix(half)), sum(gradients.dropFirst(half)))
    return first.indices.map { zip(a[$0], b[$0]).map { $0 + $1 } }
  }

  @Test("A library without room for several batches says so")
  func hasNoRoom() throws {
    let plain = try fresh(Self.plain)
    let x = batch(0, of: plain)
    _ = try plain.accumulate(tokens: x, targets: x, seed: 7)
    let error = #expect(throws: ModelError.self) {
      try plain.accumulate(tokens: x, targets: x, seed: 7)
    }
    #expect(error?.message.contains("--accumulate") == true)
  }

  @Test("The norm is that of all gradients, and clipping scales them to it")
  func clips() throws {
    let model = try fresh(Self.plain)
    let x = batch(0, of: model)
    _ = try model.accumulate(tokens: x, targets: x, seed: 7)
    let gradients = try model.manifest.parameters.indices.flatMap { try model.read(.gradient, $0) }
    let expected = gradients.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let norm = try model.update(with: hyper(model), maximumNorm: 0.01)
    #expect(abs(Double(norm) / expected - 1) < 1e-6)
    let clipped = try model.manifest.parameters.indices.flatMap { try model.read(.gradient, $0) }
    let after = clipped.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(after / 0.01 - 1) < 1e-4)
    let error = #expect(throws: ModelError.self) {
      try model.update(with: self.hyper(model), maximumNorm: nil)
    }
    #expect(error?.message.contains("nothing was accumulated") == true)
  }

  @Test("Without decay a parameter whose gradient is 0 stays as it is")
  func decays() throws {
    let model = try fresh(Self.plain)
    let index = try #require(model.manifest.parameters.firstIndex { $0.name == "token.weight" })
    try model.setDecay(false, of: index)
    let before = try model.read(.value, index)
    let x = batch(0, of: model).map { min($0, 3) }
    _ = try model.trainStep(tokens: x, targets: x, with: hyper(model))
    let after = try model.read(.value, index)
    let width = before.count / model.manifest.vocabulary
    #expect(Array(before[(4 * width)...]) == Array(after[(4 * width)...]))
    #expect(before != after)
  }

  @Test("A loss that is not finite changes nothing, and names where it began")
  func names() throws {
    let model = try fresh(Self.plain)
    let index = try #require(
      model.manifest.parameters.firstIndex { $0.name == "block.1.mixture.down.bias" })
    var bias = try model.read(.value, index)
    // Finite, but not once dropout has scaled it by 1 / 0.9.
    for place in bias.indices { bias[place] = 3.3e38 }
    try model.write(bias, .value, index)
    let before = try all(.value, of: model)
    let x = batch(0, of: model)
    let loss = try model.trainStep(tokens: x, targets: x, with: hyper(model))
    #expect(!loss.isFinite)
    #expect(try all(.value, of: model) == before)
    #expect(try model.firstBad() == "block.1")
    bias[0] = .nan
    try model.write(bias, .value, index)
    #expect(try model.firstBad() == "block.1.mixture.down.bias")
  }
}
