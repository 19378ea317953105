import GraphIR

/// How far the axes of one node reach: what it needs of its operands, and what its results have.
struct ExtentRule {
  /// The op with its own axes marked.
  private(set) var op: Op

  /// What the node reads, in place of what there is.
  private(set) var inputs: [TensorType]
  private(set) var results: [TensorType] = []

  /// - Parameters:
  ///   - plain: the operands' types in the model's graph.
  ///   - given: the same with their extents.
  init(
    _ node: Node, _ plain: [TensorType], _ given: [TensorType], _ sizes: PassSizes
  ) throws(Mismatch) {
    op = node.op
    inputs = given
    switch node.op {
    case .input(let input):
      results = [TensorType(.i32, Self.axes(of: input.kind, sizes))]
    case .parameter, .linearWeightGradient, .embeddingGradient:
      // Backward has whole batches: what it makes for parameters is whole as they are.
      results = node.types.map(sizes.whole)
    case .pointwise: try pointwise(sizes.whole(node.types[0]))
    case .sum(let sum): self.sum(sum, plain[0])
    case .embedding: try embedding()
    case .linear(let linear): try self.linear(linear)
    case .linearInputGradient:
      results = [given[0].replacingLast(with: given[1].axes[given[1].axes.count - 1])]
    case .matmul(let matmul): try self.matmul(matmul)
    case .transpose: transpose()
    case .layerNorm: try layerNorm()
    case .layerNormGradient: try layerNormGradient(node.types.map(sizes.whole))
    case .softmax: results = [given[0]]
    case .softmaxGradient: try alike([0, 1], "softmax")
    case .splitHeads(let split): try splitHeads(split, sizes)
    case .mergeHeads(let merge): try mergeHeads(merge, sizes)
    case .causalMask: try causalMask()
    case .attention(let attention): try self.attention(attention, sizes)
    case .attentionGradient(let attention): try attentionGradient(attention, sizes)
    case .top(let top): try self.top(top, sizes)
    case .topGradient(let top): try topGradient(top, sizes)
    case .route(let route): self.route(route, sizes)
    case .dispatch: try dispatch(sizes.whole(node.types[0]))
    case .dispatchGradient: results = [rows(1, width: given[0])]
    case .combine: try combine()
    case .combineGradient: try combineGradient()
    case .crossEntropy: try crossEntropy()
    case .crossEntropyGradient: try crossEntropyGradient()
    }
  }

  private static func axes(of kind: Input.Kind, _ sizes: PassSizes) -> [Axis] {
    switch kind {
    case .tokens, .targets: [sizes.sequences, sizes.positions]
    case .positions: [sizes.positions]
    }
  }

  /// Whether what a node wants of a parameter is its beginning, which can be read where it lies.
  func takesBeginning(of value: Value, _ wanted: TensorType, in graph: Graph) -> Bool {
    let type = graph.type(of: value)
    guard case .pointwise = op, graph.nodes[value.node].op.kind == .parameter else { return false }
    return type.axes.dropFirst() == wanted.axes.dropFirst()
      && wanted.axes.first?.symbols.map(\.extent) == [.positions]
  }
}

// Elementwise ops, and what several rules do.
extension ExtentRule {
  /// The extent on which two namesakes agree: a pass's, if one of them is.
  private func common(_ a: Axis, _ b: Axis, _ what: String) throws(Mismatch) -> Axis {
    if a == b || !b.isOfPass { return a }
    if !a.isOfPass { return b }
    throw Mismatch(
      "\(what): the sequences of a batch meet the positions of a text, both named \(a.written)",
      hint: "give the batch and the context axes of their own")
  }

  /// An axis that must be a constant.
  private func demandWhole(
    _ axis: Axis, _ what: String, _ problem: String, hint: String
  ) throws(Mismatch) {
    if !axis.isOfPass { return }
    throw Mismatch(
      "\(what): \(problem) \(axis.written) (\(axis.size)), of which a shorter text has fewer",
      hint: hint)
  }

  /// Operands of one shape, which the result has too.
  private mutating func alike(_ operands: [Int], _ what: String) throws(Mismatch) {
    var axes = inputs[operands[0]].axes
    for operand in operands.dropFirst() {
      for index in axes.indices {
        axes[index] = try common(axes[index], inputs[operand].axes[index], what)
      }
    }
    for operand in operands { inputs[operand].axes = axes }
    results = [inputs[operands[0]]]
  }

  /// The rows of an operand, and the last axis of a type.
  private func rows(_ operand: Int, width: TensorType) -> TensorType {
    TensorType(.f32, inputs[operand].axes.dropLast() + width.axes.suffix(1))
  }

  private mutating func pointwise(_ whole: TensorType) throws(Mismatch) {
    var result = whole
    for input in inputs {
      let first = result.place(of: input)
      for (index, axis) in input.axes.enumerated() {
        result.axes[first + index] = try common(result.axes[first + index], axis, "elementwise")
      }
    }
    for index in inputs.indices { inputs[index].axes = result.axes(met: inputs[index]) }
    results = [result]
  }

  private mutating func sum(_ sum: Sum, _ plain: TensorType) {
    let axes = inputs[0].axes
    let kept =
      sum.sumsLeading(of: plain) ? axes.suffix(sum.axes.count) : axes.prefix(sum.axes.count)
    op = .sum(Sum(to: Array(kept)))
    results = [TensorType(.f32, Array(kept))]
  }
}

// Products.
extension ExtentRule {
  private mutating func embedding() throws(Mismatch) {
    try demandWhole(
      inputs[1].axes[0], "embedding", "the table has a row for each of", hint: "make it a parameter"
    )
    results = [TensorType(.f32, inputs[0].axes + [inputs[1].axes[1]])]
  }

  /// A constant weight has a column for each of the model's positions; those not there count as 0.
  private mutating func linear(_ linear: Linear) throws(Mismatch) {
    let weights = inputs[1].axes
    let (output, input) = (weights[weights.count - 2], weights[weights.count - 1])
    for width in inputs[0].axes.suffix(1) { _ = try common(input, width, "linear") }
    inputs[0] = inputs[0].replacingLast(with: input)
    if linear.bias {
      let bias = inputs[2].axes[inputs[2].axes.count - 1]
      inputs[2] = inputs[2].replacingLast(with: try common(output, bias, "linear"))
      if inputs[2].axes.last != output {
        try demandWhole(
          bias, "linear", "the bias, but not the weights, has a number for each of",
          hint: "make it a parameter")
      }
    }
    results = [inputs[0].replacingLast(with: output)]
  }

  private mutating func matmul(_ matmul: Matmul) throws(Mismatch) {
    let rank = inputs[0].axes.count
    for index in 0..<rank - 2 {
      let axis = try common(inputs[0].axes[index], inputs[1].axes[index], "matmul")
      (inputs[0].axes[index], inputs[1].axes[index]) = (axis, axis)
    }
    let (m, left) = matmul.transposeA ? (rank - 1, rank - 2) : (rank - 2, rank - 1)
    let (right, n) = matmul.transposeB ? (rank - 1, rank - 2) : (rank - 2, rank - 1)
    let inner = try common(inputs[0].axes[left], inputs[1].axes[right], "matmul")
    (inputs[0].axes[left], inputs[1].axes[right]) = (inner, inner)
    results = [
      TensorType(
        .f32, inputs[0].axes.dropLast(2) + [inputs[0].axes[m], inputs[1].axes[n]])
    ]
  }

  private mutating func transpose() {
    results = inputs
    let rank = inputs[0].axes.count
    results[0].axes.swapAt(rank - 1, rank - 2)
  }
}

// Norms, heads and attention.
extension ExtentRule {
  /// Weights are read as far as the rows are long, and lie so.
  private mutating func layerNorm() throws(Mismatch) {
    for operand in inputs.dropFirst() where operand.axes != inputs[0].axes.suffix(1) {
      try demandWhole(
        operand.axes[0], "layerNorm", "the weights are those of", hint: "make them parameters")
    }
    let rows = TensorType(.f32, inputs[0].axes.dropLast())
    results = [inputs[0], rows, rows]
  }

  private mutating func layerNormGradient(_ whole: [TensorType]) throws(Mismatch) {
    inputs[0].axes = inputs[1].axes
    results = [inputs[1]] + whole.dropFirst()
  }

  private mutating func splitHeads(_ split: SplitHeads, _ sizes: PassSizes) throws(Mismatch) {
    let axes = inputs[0].axes
    try demandWhole(
      axes[2], "heads", "the width that is divided is", hint: "divide an axis of constant size")
    let split = SplitHeads(heads: sizes.whole(split.heads), depth: sizes.whole(split.depth))
    op = .splitHeads(split)
    results = [TensorType(.f32, [axes[0], split.heads, axes[1], split.depth])]
  }

  private mutating func mergeHeads(_ merge: MergeHeads, _ sizes: PassSizes) throws(Mismatch) {
    let axes = inputs[0].axes
    for axis in [axes[1], axes[3]] {
      try demandWhole(
        axis, "mergedHeads", "the heads or their depth are", hint: "merge axes of constant size")
    }
    let merge = MergeHeads(width: sizes.whole(merge.width))
    op = .mergeHeads(merge)
    results = [TensorType(.f32, [axes[0], axes[2], merge.width])]
  }

  private mutating func causalMask() throws(Mismatch) {
    let rank = inputs[0].axes.count
    let side = try common(inputs[0].axes[rank - 2], inputs[0].axes[rank - 1], "causalMasked")
    (inputs[0].axes[rank - 2], inputs[0].axes[rank - 1]) = (side, side)
    results = inputs
  }

  private mutating func attention(_ attention: Attention, _ sizes: PassSizes) throws(Mismatch) {
    var attention = attention
    attention.heads = sizes.whole(attention.heads)
    op = .attention(attention)
    try alike([0, 1, 2], "attention")
    let axes = inputs[0].axes
    try demandWhole(
      axes[2], "attention", "the width of the heads is", hint: "divide an axis of constant size")
    // The largest score of each query, and the sum of the powers.
    let kept = TensorType(.f32, [axes[0], attention.heads, axes[1]])
    results += [kept, kept]
  }

  private mutating func attentionGradient(
    _ attention: AttentionGradient, _ sizes: PassSizes
  ) throws(Mismatch) {
    var attention = attention
    attention.heads = sizes.whole(attention.heads)
    op = .attentionGradient(attention)
    try alike([0, 1, 2, 3, 4], "attention")
    results = [results[0], results[0], results[0]]
  }
}

// Mixtures and the loss.
extension ExtentRule {
  private mutating func top(_ top: Top, _ sizes: PassSizes) throws(Mismatch) {
    try demandWhole(
      inputs[0].axes[inputs[0].axes.count - 1], "top", "chooses among",
      hint: "choose among an axis of constant size")
    op = .top(Top(chosen: sizes.whole(top.chosen)))
    let values = inputs[0].replacingLast(with: sizes.whole(top.chosen))
    results = [values, TensorType(.i32, values.axes)]
  }

  private mutating func topGradient(_ top: TopGradient, _ sizes: PassSizes) throws(Mismatch) {
    op = .topGradient(TopGradient(experts: sizes.whole(top.experts)))
    inputs[0].axes = inputs[1].axes
    results = [inputs[0].replacingLast(with: sizes.whole(top.experts))]
  }

  private mutating func route(_ route: Route, _ sizes: PassSizes) {
    var route = route
    route.experts = sizes.whole(route.experts)
    op = .route(route)
    results = [.i32(route.experts.plusOne), .i32(Route.rows(of: inputs[0])), inputs[0]]
  }

  private mutating func dispatch(_ whole: TensorType) throws(Mismatch) {
    try meetSlots(0, 3, isWeights: false)
    results = [
      TensorType(
        .f32, [Route.rows(of: inputs[3])] + inputs[0].axes.suffix(1), by: whole.experts)
    ]
  }

  private mutating func combine() throws(Mismatch) {
    try meetSlots(1, 2, isWeights: true)
    results = [rows(2, width: inputs[0])]
  }

  private mutating func combineGradient() throws(Mismatch) {
    try meetSlots(0, 3, isWeights: false)
    try meetSlots(2, 3, isWeights: true)
    results = [inputs[1], inputs[2]]
  }

  /// Lets an operand have the rows that a routing has; one with a weight for each choice has all axes.
  private mutating func meetSlots(
    _ operand: Int, _ slots: Int, isWeights: Bool
  ) throws(Mismatch) {
    let count = inputs[slots].axes.count - (isWeights ? 0 : 1)
    for index in 0..<count {
      let axis = try common(inputs[slots].axes[index], inputs[operand].axes[index], "routed")
      if axis != inputs[slots].axes[index] {
        try demandWhole(
          axis, "routed", "the routing is the same for every text, what is routed has",
          hint: "route by logits that are made from the text")
      }
      inputs[operand].axes[index] = axis
    }
  }

  private mutating func crossEntropy() throws(Mismatch) {
    try meetTargets(0, 1)
    let kept = TensorType(.f32, inputs[1].axes)
    results = [.scalar, kept, kept]
  }

  private mutating func crossEntropyGradient() throws(Mismatch) {
    try meetTargets(1, 4)
    results = [inputs[1]]
  }

  private mutating func meetTargets(_ logits: Int, _ targets: Int) throws(Mismatch) {
    let width = inputs[logits].axes.suffix(1)
    if let vocabulary = width.first {
      try demandWhole(
        vocabulary, "logits", "there is one for each of",
        hint: "end with a linear layer to the vocabulary")
    }
    for (axis, other) in zip(inputs[logits].axes, inputs[targets].axes) {
      _ = try common(axis, other, "logits")
    }
    inputs[logits].axes = inputs[targets].axes + width
  }
}
