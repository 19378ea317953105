import CompiledModels
import GraphIR
import MoE
import Testing

/// Softmaxes of scores so large that one key, or several alike, has all the weight.
@Suite struct SaturationTests {
  /// Attention alone between embeddings and head; `width` is that of one of its three heads.
  private static func graph(
    context: Int, width: Int, dropout: Double, hasPositions: Bool
  ) throws -> Graph {
    let (V, T, B) = (MoE.Axis("V", 65), MoE.Axis("T", context), MoE.Axis("B", 2))
    let C = MoE.Axis("C", 3 * width)
    return try LanguageModel.trace("saturated", vocabulary: V, context: T, batch: B) { text in
      var x = text.tokens.embedding("token", C, weights: .normal(1))
      if hasPositions { x = x + text.positions.embedding("position", C, weights: .normal(1)) }
      func projected(_ name: String) -> Tensor { x.linear(name, C, bias: false).heads(3) }
      let y = attention(
        projected("query"), projected("key"), projected("value"), dropout: dropout)
      return (x + y.mergedHeads()).linear("head", V)
    }
  }

  /// Where one key has all the weight, nothing flows back through scores: what rounding leaves
  /// there would be multiplied by the queries.
  @Test(
    "Gradients of attention whose scores are huge are the interpreter's",
    arguments: [(37, 8, 0), (96, 16, 0.2), (150, 20, 0.2)])
  func oneKey(context: Int, width: Int, dropout: Double) throws {
    let compiled = try CompiledModel(
      Self.graph(context: context, width: width, dropout: dropout, hasPositions: true))
    for scale: Float in [1e8, 1e12, 1e20, 1e30] {
      var trial = Trial(compiled, seed: 4)
      trial.parameters["query.weight"] = trial.parameters["query.weight"]?.map { $0 * scale }
      let found = try trial.disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "scale \(scale): \(found)")
    }
  }

  /// Keys that are alike share the weight: their number is lost in a logarithm that is added to the
  /// score. Every token comes once or twice, so that shares are exact.
  @Test("Equal keys share the weight whatever their scores")
  func ties() throws {
    let compiled = try CompiledModel(
      Self.graph(context: 32, width: 8, dropout: 0, hasPositions: false))
    for scale: Float in [1, 1e4, 1e7, 1e20, 1e30] {
      var trial = Trial(compiled, seed: 2)
      trial.tokens = (0..<64).map { Int32($0 % 16) }
      trial.parameters["query.weight"] = trial.parameters["query.weight"]?.map { $0 * scale }
      let found = try trial.disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "scale \(scale): \(found)")
    }
  }

  /// The same of the loss: equal rows of the head give equal logits.
  @Test("Equal logits share the probability whatever they are")
  func logits() throws {
    let compiled = try CompiledModel(
      Self.graph(context: 16, width: 4, dropout: 0, hasPositions: true))
    for scale: Float in [1, 1e4, 1e7, 1e20] {
      var trial = Trial(compiled, seed: 3)
      let head = try #require(trial.parameters["head.weight"])
      let half = head[..<(32 * 12)]
      trial.parameters["head.weight"] = (half + half + head[..<12]).map { $0 * scale }
      trial.parameters["head.bias"] = [Float](repeating: 0, count: 65)
      let found = try trial.disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "scale \(scale): \(found)")
    }
  }

  /// Squares of 2e19 are no floats any more; a variance of infinity would leave nothing of the row.
  @Test("Norms of activations whose squares overflow are the interpreter's", arguments: [20, 64])
  func norms(width: Int) throws {
    let (V, T, B) = (MoE.Axis("V", 13), MoE.Axis("T", 9), MoE.Axis("B", 2))
    let graph = try LanguageModel.trace("large", vocabulary: V, context: T, batch: B) { text in
      text.tokens.embedding("token", MoE.Axis("C", width), weights: .normal(1))
        .layerNorm("norm").linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    for scale: Float in [1, 1e18, 1e19, 1e20, 1e30, 5e37] {
      var trial = Trial(compiled, seed: 6)
      trial.parameters["token.weight"] = trial.parameters["token.weight"]?.map { $0 * scale }
      let found = try trial.disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "scale \(scale): \(found)")
    }
    var trial = Trial(compiled, seed: 6)
    trial.parameters["token.weight"]?[3 * width] = .infinity
    trial.tokens[4] = 3
    let loss = try trial.model().loss(tokens: trial.tokens, targets: trial.targets, seed: 1)
    #expect(!loss.isFinite)
  }
}
