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
    let sizes = graph.parameters.map { graph.type(of: Value(node: $0.node)).count }
    let isSmall = sizes.reduce(0, +) <= Self.fewParameters
    let whole = Limits(width: .max, heads: .max, keepsColumns: true)
    for limits in Limits.choices(for: purpose, of: graph) + (isSmall ? [whole] : []) {
      if let small = Self.cut(graph, limits) {
        self.graph = small
        return
      }
    }
    throw Diagnostic(
      at: nil, "the model cannot be cut down for a check",
      hint: "its axes divide each other in an unusual way: check a copy with small axes instead")
  }

  /// The longest window of the model's attention that is short enough to be looked past; 0 if there is none.
  static func longestWindow(of graph: Graph) -> Int {
    graph.nodes.compactMap { node -> Int? in
      guard case .attention(let op) = node.op else { return nil }
      return op.window.flatMap { $0 <= 64 ? $0 : nil }
    }.max() ?? 0
  }

  /// A model of no more is checked with its own widths, if no others fit: that takes seconds.
  private static let fewParameters = 1 << 16

  /// How long axes may stay.
  private struct Limits {
    var width: Int
    var heads: Int
    var context = 5
    var vocabulary = 7

    /// Whether a longer axis keeps what it has beside whole vectors.
    var keepsRemainders = false

    /// Whether columns that are cut and joined stay as many: where they are cut is a number of the model.
    var keepsColumns = false

    static func choices(for purpose: Purpose, of graph: Graph) -> [Limits] {
      let small = [false, true].flatMap { keepsColumns in
        [6, 8, 12, 16, 48, 64].flatMap { width in
          [2, Int.max].map { Limits(width: width, heads: $0, keepsColumns: keepsColumns) }
        }
      }
      switch purpose {
      case .gradients: return small
      case .kernels:
        let whole = [2, Int.max].map {
          Limits(
            width: 32, heads: $0, context: max(18, CutDownModel.longestWindow(of: graph) + 2),
            vocabulary: 32, keepsRemainders: true)
        }
        return whole + small
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
      guard case .attention(let op) = node.op else { continue }
      fitKeys(of: op, node.inputs.map(graph.type(of:)), limits, in: &sizes)
    }
    var decided: [String: Int] = [:]
    for node in graph.nodes {
      guard case .splitHeads(let split) = node.op else { continue }
      guard let axis = graph.type(of: node.inputs[0]).axes.last,
        let total = size(of: axis, sizes), let count = size(of: split.heads, sizes)
      else { return nil }
      // Heads are as many as fit, and a head is what remains of the width: two counts of heads can
      // cut the same width.
      let wanted = decided[split.heads.description] ?? min(count, limits.heads)
      let fitting = (1...max(1, min(count, wanted))).last { total % $0 == 0 } ?? 1
      for (part, size) in [(split.heads, fitting), (split.depth, total / fitting)] {
        if let known = decided[part.description], known != size { return nil }
        decided[part.description] = size
        if part.symbols.count == 1 { sizes[part.symbols[0].name] = size }
      }
    }
    guard let small = try? graph.resized(sizes), (try? Verifier.verify(small)) != nil else {
      return nil
    }
    return small
  }

  /// Gives keys of fewer heads, and sinks, the sizes that go with the heads of queries.
  private static func fitKeys(
    of op: Attention, _ types: [TensorType], _ limits: Limits, in sizes: inout [String: Int]
  ) {
    func set(_ axis: Axis?, _ size: Int) {
      guard let axis, let symbol = axis.symbols.first, axis == Axis(symbol.name, symbol.size) else {
        return
      }
      sizes[symbol.name] = size
    }
    guard op.keyHeads != op.heads || types.count == 4,
      let total = size(of: types[0].axes[2], sizes), let count = size(of: op.heads, sizes)
    else { return }
    let heads = (1...max(1, min(count, limits.heads))).last { total % $0 == 0 } ?? 1
    set(op.heads, heads)
    if types.count == 4 { set(types[3].axes.first, heads) }
    if op.keyHeads == op.heads { return }
    let few = max(1, heads / op.group)
    let keys = heads % few == 0 ? few : 1
    set(op.keyHeads, keys)
    set(types[1].axes.last, keys * (total / heads))
  }

  /// What an axis comes to with other sizes of its symbols; nil if that is no whole number.
  private static func size(of axis: Axis, _ sizes: [String: Int]) -> Int? {
    var axis = axis
    for index in axis.symbols.indices {
      axis.symbols[index].size = sizes[axis.symbols[index].name] ?? axis.symbols[index].size
    }
    return axis.isWhole && axis.size > 0 ? axis.size : nil
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
    if limits.keepsColumns {
      for symbol in symbolsOfColumns(graph) { sizes[symbol.name] = symbol.size }
    }
    for node in graph.nodes {
      guard case .reshape(let op) = node.op else { continue }
      let given = Array(graph.type(of: node.inputs[0]).axes.suffix(op.replaced))
      fit(given, op.axes, in: &sizes)
      fit(op.axes, given, in: &sizes)
    }
    return sizes
  }

  /// Those of columns that are cut, joined or surrounded by zeros.
  private static func symbolsOfColumns(_ graph: Graph) -> [Axis.Symbol] {
    graph.nodes.filter { [.slice, .concatenate, .pad].contains($0.op.kind) }.flatMap { node in
      (node.inputs.map(graph.type) + node.types).compactMap(\.axes.last).flatMap(\.symbols)
    }
  }

  /// An axis that is looked at as several, experts as groups of them, has as many as those.
  private static func fit(_ whole: [Axis], _ parts: [Axis], in sizes: inout [String: Int]) {
    let factors = parts.compactMap { size(of: $0, sizes) }
    guard whole.count == 1, let symbol = whole[0].symbols.first,
      whole[0] == Axis(symbol.name, symbol.size), parts.count > 1, factors.count == parts.count
    else { return }
    sizes[symbol.name] = factors.reduce(1, *)
  }

  /// The new size of an axis that is a plain symbol.
  private static func shrink(_ axis: Axis?, to limit: Int, in sizes: inout [String: Int]) -> Int {
    guard let axis, axis.symbols.count == 1 else { return axis?.size ?? 1 }
    let size = min(axis.symbols[0].size, limit)
    sizes[axis.symbols[0].name] = size
    return size
  }
}
