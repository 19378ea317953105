import GraphIR
import Lowering

extension Program {
  /// Whether it gives logits and nothing else.
  var infers: Bool { outputs.count == 1 && outputs[0].output == .logits }
}

// Libraries that learn nothing.
extension Plan {
  /// Whether the library gives logits and nothing else.
  public var infers: Bool { graph.outputs.count == 1 && graph.outputs[0].output == .logits }

  /// The use that makes the logits, if it can do so for some positions of a pass alone: the last one, of
  /// which each row depends on nothing else.
  public var head: LayerUse? {
    guard infers, recomputation == nil, let last = uses.last, uses.count > 1, last.scope.isEmpty,
      uses.filter({ $0.layer == last.layer }).count == 1
    else { return nil }
    let layer = layers[last.layer]
    let isByRow = layer.forwardArguments.allSatisfy { argument in
      argument.type.axes.count >= 2 && argument.type.axes[1] == positions
    }
    let hasAttention = layer.forward.contains { if case .attention = $0.op { true } else { false } }
    let edge = last.forwardEdges.first { edges[$0].outputs.contains(.logits) }
    guard isByRow, !hasAttention, layer.saved.isEmpty, let edge,
      layer.forwardArguments[last.forwardEdges.firstIndex(of: edge) ?? 0].isWritten
    else { return nil }
    return last
  }

  /// Positions of which the head makes logits at once.
  public static let headRows = 16
}
