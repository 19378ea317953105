import GraphIR
import Testing

@testable import MoE

typealias Axis = MoE.Axis

/// Axes of the small models that tests trace.
enum Small {
  static let V = Axis("V", 11)
  static let T = Axis("T", 6)
  static let B = Axis("B", 2)
  static let C = Axis("C", 12)
  static let E = Axis("E", 4)
}

/// Traces a model over the small axes.
func trace(
  weights: WeightInitializer = .kaimingUniform, _ body: (Text) -> Tensor
) throws -> Graph {
  try LanguageModel.trace(
    "small", vocabulary: Small.V, context: Small.T, batch: Small.B, linearWeights: weights, body)
}

/// What is wrong with a model over the small axes.
func errors(_ body: (Text) -> Tensor) -> [Diagnostic] {
  do throws(ModelErrors) {
    _ = try LanguageModel.trace(
      "small", vocabulary: Small.V, context: Small.T, batch: Small.B, body)
    return []
  } catch {
    return error.diagnostics
  }
}

extension Text {
  /// Vectors of tokens and places, f32[B, T, C].
  var positionsAndTokens: Tensor {
    tokens.embedding("more", Small.C) + positions.embedding("places", Small.C)
  }

  /// Token vectors, f32[B, T, C].
  var embedded: Tensor { tokens.embedding("token", Small.C) }
}

extension Tensor {
  /// Logits, f32[B, T, V].
  var head: Tensor { linear("head", Small.V) }
}

extension Graph {
  /// The nodes of one kind.
  func nodes(_ kind: OpKind) -> [Node] { nodes.filter { $0.op.kind == kind } }

  /// The parameter of that name.
  func parameter(_ name: String) -> Parameter? {
    parameters.map(\.parameter).first { $0.name == name }
  }

  /// The graph as if it had been written nowhere.
  var withoutLocations: Graph {
    var copy = self
    copy.vocabularyLocation = nil
    for index in copy.nodes.indices { copy.nodes[index].location = nil }
    return copy
  }
}
