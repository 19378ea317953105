import GraphIR
import Interpreter

/// A graph's forward half, with what a value is worth where no router prefers an expert.
struct ForwardGraph {
  let graph: Graph
  /// The forward nodes that read a value.
  private let users: [Value: [Int]]

  init(_ graph: Graph) {
    self.graph = graph
    var users: [Value: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() where node.phase == .forward {
      for input in Set(node.inputs) { users[input, default: []].append(index) }
    }
    self.users = users
  }

  func node(of value: Value) -> Node { graph.nodes[value.node] }

  func parameter(_ value: Value) -> Parameter? {
    if case .parameter(let parameter) = node(of: value).op { parameter } else { nil }
  }

  /// The numbers of the forward nodes that read a value.
  func indices(ofUsersOf value: Value) -> [Int] { users[value] ?? [] }

  /// Every element of a value if all logits are 0, as they are where matrices are drawn around 0; nil where
  /// elements differ, or where that is not known.
  func even(_ value: Value) -> Double? {
    let node = node(of: value)
    let operands = { node.inputs.map { graph.type(of: $0) } }
    if case .linear = node.op { return 0 }
    if case .parameter(let parameter) = node.op { return parameter.axes.count < 2 ? 0 : nil }
    if case .softmax = node.op { return 1 / Double(node.types[0].width) }
    if case .kept = node.op { return 1 }
    if case .top = node.op { return value.result == 0 ? even(node.inputs[0]) : nil }
    if case .gather = node.op { return even(node.inputs[0]) }
    if case .sum = node.op {
      let repeats = Double(operands()[0].count) / Double(max(node.types[0].count, 1))
      return even(node.inputs[0]).map { $0 * repeats }
    }
    if case .pointwise(let op) = node.op {
      let inputs = node.inputs.map(even)
      return inputs.contains(nil) ? nil : Self.evaluate(op.expression) { inputs[$0] ?? 0 }
    }
    return nil
  }

  /// What a value is multiplied by on its way to where it is added to others; nil where that is no factor.
  func factor(after value: Value) -> Double? {
    var (value, factor) = (value, 1.0)
    while let readers = users[value], readers.count == 1,
      case .pointwise = graph.nodes[readers[0]].op
    {
      guard let slope = slope(readers[0], of: value) else { return nil }
      factor *= slope
      value = Value(node: readers[0])
    }
    return factor
  }

  /// By how much a pointwise node's result grows with one of its operands; nil where not in proportion.
  func slope(_ index: Int, of value: Value) -> Double? {
    let node = graph.nodes[index]
    guard case .pointwise(let op) = node.op else { return nil }
    let others = node.inputs.map { $0 == value ? 0 : even($0) ?? 0 }
    func result(_ x: Double) -> Double {
      Self.evaluate(op.expression) { node.inputs[$0] == value ? x : others[$0] }
    }
    let (none, one, two, minus) = (result(0), result(1), result(2), result(-1))
    let slope = one - none
    let isStraight =
      abs(two - none - 2 * slope) < 1e-9 * abs(slope)
      && abs(none - minus - slope) < 1e-9 * abs(slope)
    return isStraight && slope != 0 ? slope : nil
  }

  /// An expression in evaluation, without noise.
  private static func evaluate(
    _ expression: ScalarExpression, _ input: (Int) -> Double
  ) -> Double {
    switch expression {
    case .input(let index): input(index)
    case .constant(let number): number
    case .unary(let function, let a): function.evaluate(evaluate(a, input))
    case .binary(let function, let a, let b):
      function.evaluate(evaluate(a, input), evaluate(b, input))
    case .normal: 0
    case .keep: 1
    }
  }
}
