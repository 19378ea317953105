import GraphIR

extension Pass {
  /// Makes one loop of two: a pointwise op takes over the expression of an operand that it alone
  /// reads.
  ///
  /// Requires: gradients, if there will be any, for they read forward values: those have two uses
  /// and stay. Ensures: the same numbers, no value computed twice, no more values kept for backward;
  /// both ops are of one phase and one layer and have the same type, so that random numbers keep
  /// their elements.
  public static let fusePointwise = Pass(
    "FusePointwise", "makes one loop of elementwise ops that follow each other"
  ) { graph in
    fusingPointwise(graph) { _, _, _ in true }
  }

  /// The graph with each pointwise op that takes over what it alone reads, where `may` says so of the inner expression,
  /// the outer one, and the operand of the outer one that the inner one makes.
  static func fusingPointwise(
    _ graph: Graph,
    where may: (_ inner: ScalarExpression, _ outer: ScalarExpression, _ operand: Int) -> Bool
  ) -> Graph {
    let uses = graph.neededUseCounts
    var rewriter = Rewriter(graph)
    rewriter.copyAll { index, rewriter in
      fused(index, uses, &rewriter, may).map { [$0] }
    }
    return rewriter.finished()
  }

  /// The largest expression that fusion makes; beyond it, a loop is no easier to read or to run.
  private static let largestExpression = 40

  /// The op with all operands substituted that may be, nil if there are none.
  private static func fused(
    _ index: Int, _ uses: [Value: Int], _ rewriter: inout Rewriter,
    _ may: (ScalarExpression, ScalarExpression, Int) -> Bool
  ) -> Value? {
    let node = rewriter.source.nodes[index]
    guard case .pointwise(let op) = node.op else { return nil }
    var inputs = node.inputs.map(rewriter.mapped)
    var expression = op.expression
    for operand in node.inputs.indices where uses[node.inputs[operand]] == 1 {
      let inner = rewriter.node(of: inputs[operand])
      guard let f = substitute(inner, for: operand, in: expression, of: node),
        may(f, expression, operand)
      else { continue }
      // The inner op's operands join the end of the list; its result is read no more, and the
      // operand that gave it its shape stands in its place.
      expression = expression.substituting { index in
        index == operand ? f.substituting { .input($0 + inputs.count) } : .input(index)
      }
      inputs += inner.inputs
      inputs[operand] =
        inner.inputs.first { rewriter.type(of: $0) == node.types[0] }
        ?? inputs[operand]
    }
    if inputs.count == node.inputs.count { return nil }
    let operands = PointwiseOperands(
      inputs, inputs.map(rewriter.type(of:)), result: node.types[0])
    let (compacted, needed) = operands.compacted(expression)
    return rewriter.emit(.pointwise(Pointwise(compacted)), needed, for: index)[0]
  }

  /// The expression of an operand, if it may move into its only user.
  private static func substitute(
    _ inner: Node, for operand: Int, in outer: ScalarExpression, of node: Node
  ) -> ScalarExpression? {
    guard case .pointwise(let op) = inner.op, inner.phase == node.phase,
      inner.types == node.types, inner.layer == node.layer
    else { return nil }
    let occurrences = outer.occurrences(of: operand)
    let size = outer.operations + occurrences * op.expression.operations
    let isFree = occurrences == 1 || op.expression.isCheap
    return occurrences > 0 && isFree && size <= largestExpression ? op.expression : nil
  }
}

extension ScalarExpression {
  /// How often an input occurs.
  fileprivate func occurrences(of input: Int) -> Int {
    var count = 0
    visit { if $0 == .input(input) { count += 1 } }
    return count
  }

  /// Whether computing it twice costs no more than reading it twice.
  fileprivate var isCheap: Bool {
    var isCheap = operations <= 2
    visit {
      switch $0 {
      case .input, .constant, .unary(.negate, _), .unary(.relu, _), .unary(.step, _),
        .unary(.stop, _), .binary(.add, _, _), .binary(.subtract, _, _), .binary(.multiply, _, _),
        .binary(.maximum, _, _), .binary(.minimum, _, _):
        break
      case .unary, .binary, .normal, .keep: isCheap = false
      }
    }
    return isCheap
  }
}
