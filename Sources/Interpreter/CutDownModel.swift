import GraphIR

/// The same model with shorter axes, small enough for the interpreter.
///
/// Names, layers and functions stay as they are; numbers that were computed from sizes, such as
/// scales, stay those of the large model.
public struct CutDownModel: Sendable {
  public let graph: Graph

  /// Every axis with its new size.
  public var sizes: [(name: String, size: Int)] { graph.symbols.map { ($0.name, $0.size) } }

  /// What a model is cut down for.
  public enum Purpose: Sendable {
    /// To be run many times by the interpreter: as small as it gets.
    case gradients

    /// To be compiled: what is left of an axis beside whole vectors stays, as that decides how kernels
    /// go through it.
    case kernels
  }

  /// Cuts a model down.
  ///
  /// - Throws: a `Diagnostic` if no choice of sizes fits the model's own arithmetic of axes.
  public init(_ graph: Graph, for purpose: Purpose = .gradients) throws(Diagnostic) {
    for limits in Limits.choices(for: purpose) {
      if let small = Self.cut(graph, limits) {
        self.graph = small
        return
      }
    }
    throw Diagnostic(
      at: nil, "the model cannot be cut down for a check",
      hint: "its axes divide each other in an unusual way: check a copy with small axes instead")
  }

  /// How long axes may stay.
  private struct Limits {
    var width: Int
    var depth: Int
    var context = 5
    var vocabulary = 7

    /// Whether a longer axis keeps what it has beside multiples of the limit.
    var keepsRemainders = false

    static func choices(for purpose: Purpose) -> [Limits] {
      let small = [(6, 3), (8, 4), (12, 4), (16, 8), (48, 12), (64, 16)].map {
        Limits(width: $0, depth: $1)
      }
      switch purpose {
      case .gradients: return small
      case .kernels:
        return [
          Limits(width: 16, depth: 16, context: 18, vocabulary: 32, keepsRemainders: true),
          Limits(width: 16, depth: 8, context: 18, vocabulary: 32, keepsRemainders: true),
        ] + small
      }
    }

    func size(_ size: Int, limit: Int) -> Int {
      if size <= limit || !keepsRemainders { return min(size, limit) }
      return limit + size % 16
    }
  }

  private static func cut(_ graph: Graph, _ limits: Limits) -> Graph? {
    var sizes = Self.sizes(of: graph, limits)
    for node in graph.nodes {
      guard case .splitHeads(let split) = node.op else { continue }
      let heads = shrink(split.heads, to: 2, in: &sizes)
      let depth = shrink(split.depth, to: limits.depth, in: &sizes)
      guard let axis = graph.type(of: node.inputs[0]).axes.last, axis.symbols.count == 1,
        (heads * depth * axis.divisor) % axis.multiplier == 0
      else { return nil }
      sizes[axis.symbols[0].name] = heads * depth * axis.divisor / axis.multiplier
    }
    guard let small = try? graph.resized(sizes), (try? Verifier.verify(small)) != nil else {
      return nil
    }
    return small
  }

  /// At most so much of each axis, whatever relates them.
  private static func sizes(of graph: Graph, _ limits: Limits) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for symbol in graph.symbols {
      sizes[symbol.name] = limits.size(symbol.size, limit: limits.width)
    }
    for (axis, limit) in [
      (graph.batch, 2), (graph.context, limits.context), (graph.vocabulary, limits.vocabulary),
    ] {
      _ = shrink(axis, to: limit, in: &sizes)
    }
    for node in graph.nodes {
      if case .top(let top) = node.op {
        _ = shrink(graph.type(of: node.inputs[0]).axes.last, to: 4, in: &sizes)
        _ = shrink(top.chosen, to: 3, in: &sizes)
      }
    }
    return sizes
  }

  /// The new size of an axis that is a plain symbol.
  private static func shrink(_ axis: Axis?, to limit: Int, in sizes: inout [String: Int]) -> Int {
    guard let axis, axis.symbols.count == 1 else { return axis?.size ?? 1 }
    let size = min(axis.symbols[0].size, limit)
    sizes[axis.symbols[0].name] = size
    return size
  }
}
