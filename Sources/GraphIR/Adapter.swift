/// What one of the two matrices of a low-rank adapter (Hu et al. 2021) is: beside a linear layer's w x stands
///
///     y = w x + scale b (a x)    w f32[O, I]       a f32[r, I]       b f32[O, r]
///     y = w x + scale b (a x)    w f32[E, O, I]    a f32[E, r, I]    b f32[E, O, r], of rows sorted by expert
///
public struct Adapter: Hashable, Sendable {
  /// Which of the two it is.
  public enum Part: String, Hashable, Sendable, CaseIterable {
    /// To r numbers.
    case a
    /// From them to those of the layer.
    case b
  }

  /// The name of the parameter w.
  public var weight: String
  public var part: Part

  /// α / r.
  public var scale: Double

  public init(of weight: String, _ part: Part, scale: Double) {
    self.weight = weight
    self.part = part
    self.scale = scale
  }

  /// `block.0.query.lora_a`, beside `block.0.query.weight`.
  public var name: String {
    (weight.hasSuffix(".weight") ? String(weight.dropLast(7)) : weight) + ".lora_\(part.rawValue)"
  }

  /// The axes of the part for a weight of some axes.
  public func axes(ofWeight axes: [Axis], rank: Axis) -> [Axis] {
    let (stack, output, input) = (axes.dropLast(2), axes[axes.count - 2], axes[axes.count - 1])
    return stack + (part == .a ? [rank, input] : [output, rank])
  }
}

extension Graph {
  /// The matrices of adapters, with their nodes.
  public var adapters: [(node: Int, parameter: Parameter, adapter: Adapter)] {
    parameters.compactMap { node, parameter in
      parameter.adapter.map { (node, parameter, $0) }
    }
  }
}

extension Graph {
  /// The graph with adapters that add something from the first step on: for checks, to which one that adds
  /// nothing would say nothing of its other matrix.
  public var withActiveAdapters: Graph {
    var graph = self
    for (node, parameter, _) in adapters {
      var drawn = parameter
      drawn.initializer = .normal(0.3)
      graph.nodes[node].op = .parameter(drawn)
    }
    return graph
  }
}

extension Array {
  /// Parameters in the order of their random streams: learned ones, states, parts of adapters.
  package func inDrawingOrder(_ parameter: (Element) -> Parameter) -> [Element] {
    let kinds = map { element in
      let parameter = parameter(element)
      return parameter.adapter != nil ? 2 : parameter.isState ? 1 : 0
    }
    return (0...2).flatMap { kind in indices.filter { kinds[$0] == kind }.map { self[$0] } }
  }
}
