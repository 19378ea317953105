import GraphIR

extension Pass {
  /// Removes what undoes itself and lets products read operands transposed.
  ///
  ///     mergeHeads(splitHeads(x)) -> x          splitHeads(mergeHeads(x)) -> x
  ///     mergeHeads(rmsNorm(splitHeads(x))) -> rmsNorm {heads} (x)
  ///     transpose(transpose(x)) -> x            matmul(transpose(a), b) -> matmul {transposeA} (a, b)
  ///     transpose(matmul(a, b)) -> matmul(bᵀ, aᵀ)
  ///     sum(sum(x)) -> sum(x)                   pointwise x0 -> x0
  ///     crossEntropyGradient(…, dloss) -> crossEntropyGradient(…) where dloss is 1
  ///
  /// A pointwise op also loses operands that it neither reads nor takes its shape from, and reads an
  /// operand given twice once. Nothing looks into another layer: of equal layers the last one's
  /// result goes to others than theirs. Ensures: the same numbers, sums of sums up to rounding.
  public static let simplify = Pass(
    "Simplify", "removes what undoes itself: heads, transposes, identities, sums of sums"
  ) { graph in
    let uses = graph.neededUseCounts
    var rewriter = Rewriter(graph)
    rewriter.copyAll { index, rewriter in
      lossGradient(index, &rewriter) ?? simplified(index, uses, &rewriter).map { [$0] }
    }
    return rewriter.finished()
  }

  /// What stands for a node with one result, nil for the node as it is.
  private static func simplified(
    _ index: Int, _ uses: [Value: Int], _ rewriter: inout Rewriter
  ) -> Value? {
    let node = rewriter.source.nodes[index]
    let inputs = node.inputs.map(rewriter.mapped)
    if let origin = undone(node, inputs, rewriter) { return origin }
    if case .mergeHeads = node.op { return normOfHeads(node, uses, &rewriter) }
    if case .transpose = node.op {
      return transposedProduct(index, inputs[0], uses[node.inputs[0]] == 1, &rewriter)
    }
    if case .matmul(let op) = node.op { return matmul(op, index, inputs, &rewriter) }
    if case .sum(let op) = node.op { return sumOfSum(op, index, inputs[0], &rewriter) }
    if case .pointwise(let op) = node.op { return pointwise(op, index, inputs, &rewriter) }
    return nil
  }

  /// x for a node that undoes what made its input from x.
  private static func undone(_ node: Node, _ inputs: [Value], _ rewriter: Rewriter) -> Value? {
    guard let input = inputs.first, let origin = rewriter.neighbour(of: node, input) else {
      return nil
    }
    let undoes: Bool
    switch (node.op, origin.op) {
    case (.mergeHeads, .splitHeads), (.splitHeads, .mergeHeads), (.transpose, .transpose):
      undoes = rewriter.type(of: origin.inputs[0]) == node.types[0]
    case (_, _):
      undoes = false
    }
    return undoes ? origin.inputs[0] : nil
  }

  /// The norm of each head where it lies, of heads that were cut for nothing else: no gradient reads the norm.
  private static func normOfHeads(
    _ node: Node, _ uses: [Value: Int], _ rewriter: inout Rewriter
  ) -> Value? {
    let value = node.inputs[0]
    let norm = rewriter.source.nodes[value.node]
    guard case .rmsNorm(var op) = norm.op, op.heads == nil, norm.layer == node.layer,
      value.result == 0, uses[value] == 1, uses[Value(node: value.node, result: 1)] == nil,
      let split = rewriter.neighbour(of: norm, rewriter.mapped(norm.inputs[0])),
      case .splitHeads(let cut) = split.op, rewriter.type(of: split.inputs[0]) == node.types[0]
    else { return nil }
    op.heads = HeadAxes(count: cut.heads, depth: cut.depth)
    let inputs = [split.inputs[0]] + norm.inputs.dropFirst().map(rewriter.mapped)
    return rewriter.emit(.rmsNorm(op), inputs, for: value.node)[0]
  }

  /// (a b)ᵀ = bᵀ aᵀ, if nothing else reads the product.
  private static func transposedProduct(
    _ index: Int, _ input: Value, _ isOnlyUse: Bool, _ rewriter: inout Rewriter
  ) -> Value? {
    let node = rewriter.source.nodes[index]
    guard isOnlyUse, let origin = rewriter.neighbour(of: node, input),
      case .matmul(let op) = origin.op
    else { return nil }
    let swapped = Matmul(transposeA: !op.transposeB, transposeB: !op.transposeA)
    return rewriter.emit(.matmul(swapped), origin.inputs.reversed(), for: index)[0]
  }

  /// A product that reads what its operands were before they were transposed.
  private static func matmul(
    _ op: Matmul, _ index: Int, _ inputs: [Value], _ rewriter: inout Rewriter
  ) -> Value? {
    var (op, inputs) = (op, inputs)
    let node = rewriter.source.nodes[index]
    if let origin = rewriter.neighbour(of: node, inputs[0]), case .transpose = origin.op {
      inputs[0] = origin.inputs[0]
      op.transposeA.toggle()
    }
    if let origin = rewriter.neighbour(of: node, inputs[1]), case .transpose = origin.op {
      inputs[1] = origin.inputs[0]
      op.transposeB.toggle()
    }
    if case .matmul(op) = node.op { return nil }
    return rewriter.emit(.matmul(op), inputs, for: index)[0]
  }

  /// One sum for two, if the axes that both leave out are neighbours.
  private static func sumOfSum(
    _ op: Sum, _ index: Int, _ input: Value, _ rewriter: inout Rewriter
  ) -> Value? {
    guard let origin = rewriter.neighbour(of: rewriter.source.nodes[index], input),
      case .sum(let inner) = origin.op
    else { return nil }
    // Where an axis occurs twice, the one sum might be over another of them than the two are.
    guard let first = inner.repetition(in: rewriter.type(of: origin.inputs[0])),
      let second = op.repetition(in: origin.types[0]),
      let both = op.repetition(in: rewriter.type(of: origin.inputs[0])),
      both.before == Swift.min(first.before, second.before),
      both.after == Swift.min(first.after, second.after)
    else { return nil }
    return rewriter.emit(.sum(op), [origin.inputs[0]], for: index)[0]
  }

  /// The gradient of the loss alone, which is 1 without anything that holds a 1.
  private static func lossGradient(_ index: Int, _ rewriter: inout Rewriter) -> [Value]? {
    let node = rewriter.source.nodes[index]
    switch node.op {
    case .crossEntropyGradient, .linearCrossEntropyGradient: break
    case _: return nil
    }
    let inputs = node.inputs.map(rewriter.mapped)
    guard node.op.operation.operandRoles(inputs.map(rewriter.type)).last == .gradient,
      let last = inputs.last, case .pointwise(let dLoss) = rewriter.node(of: last).op,
      dLoss.expression == .constant(1)
    else { return nil }
    return rewriter.emit(node.op, inputs.dropLast(), for: index)
  }

  /// Whether a value can stand for a node: what a graph hands out is computed, not kept or given.
  private static func isFree(_ index: Int, toBe value: Value, _ rewriter: Rewriter) -> Bool {
    !rewriter.node(of: value).inputs.isEmpty
      || !rewriter.source.outputs.contains { $0.value.node == index }
  }

  /// x₀ for the identity; else the op without operands that it does not need, if there are any.
  private static func pointwise(
    _ op: Pointwise, _ index: Int, _ inputs: [Value], _ rewriter: inout Rewriter
  ) -> Value? {
    let type = rewriter.source.nodes[index].types[0]
    if case .input(let operand) = op.expression, rewriter.type(of: inputs[operand]) == type,
      isFree(index, toBe: inputs[operand], rewriter)
    {
      return inputs[operand]
    }
    let operands = PointwiseOperands(inputs, inputs.map(rewriter.type(of:)), result: type)
    let (expression, needed) = operands.compacted(op.expression)
    if needed.count == inputs.count { return nil }
    return rewriter.emit(.pointwise(Pointwise(expression)), needed, for: index)[0]
  }
}
