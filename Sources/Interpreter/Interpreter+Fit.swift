import GraphIR

extension Interpreter {
  /// The operands of a node, each as long along every axis as those that it meets there.
  ///
  /// In a run of fewer sequences or positions than the graph has, what comes from the text is shorter
  /// than what a parameter, or a width, holds along an axis of the same name: of that the rest is left
  /// out. In a run of the graph's own sizes nothing is.
  func fitted(_ node: Node, _ inputs: [TensorValue]) -> [TensorValue] {
    if sequences == graph.batch.size && length == graph.context.size { return inputs }
    let types = node.inputs.map(graph.type(of:))
    switch node.op {
    case .pointwise: return fittedToResult(node.types[0], types, inputs)
    case .matmul(let op): return fitted(op, inputs)
    case .linear: return fittedInner(inputs)
    case .attention: return fittedAlike(inputs, 3)
    case .causalMask: return inputs.map { $0.cut(to: $0.shape.dropLast(2) + $0.squareSides) }
    case .layerNorm: return [inputs[0]] + inputs.dropFirst().map { $0.cut(to: [inputs[0].width]) }
    case .dispatch: return inputs.fitting(0, to: inputs[3].shape.dropLast())
    case .combine: return inputs.fitting(1, to: inputs[2].shape)
    case .crossEntropy: return inputs.fitting(0, to: inputs[1].shape)
    case .input, .parameter, .sum, .embedding, .transpose, .softmax, .splitHeads, .mergeHeads,
      .top, .route, .embeddingGradient, .linearInputGradient, .linearWeightGradient,
      .layerNormGradient, .softmaxGradient, .attentionGradient, .topGradient, .dispatchGradient,
      .combineGradient, .crossEntropyGradient:
      return inputs
    }
  }

  /// Operands of an elementwise op, repeated along the axes that they do not have: the first or last.
  private func fittedToResult(
    _ result: TensorType, _ types: [TensorType], _ inputs: [TensorValue]
  ) -> [TensorValue] {
    let first = types.map { type in
      type.axes == Array(result.axes.suffix(type.axes.count))
        ? result.axes.count - type.axes.count : 0
    }
    var shape = result.shape
    for (input, first) in zip(inputs, first) {
      for (index, size) in input.shape.enumerated() {
        shape[first + index] = min(shape[first + index], size)
      }
    }
    return zip(inputs, first).map { input, first in
      input.cut(to: Array(shape.dropFirst(first).prefix(input.shape.count)))
    }
  }

  private func fitted(_ op: Matmul, _ inputs: [TensorValue]) -> [TensorValue] {
    var (a, b) = (inputs[0].shape, inputs[1].shape)
    let rank = a.count
    for index in 0..<rank - 2 {
      let size = min(a[index], b[index])
      (a[index], b[index]) = (size, size)
    }
    let (left, right) = (rank - (op.transposeA ? 2 : 1), rank - (op.transposeB ? 1 : 2))
    let inner = min(a[left], b[right])
    (a[left], b[right]) = (inner, inner)
    return [inputs[0].cut(to: a), inputs[1].cut(to: b)]
  }

  /// A product over as many numbers as rows and weights both have.
  private func fittedInner(_ inputs: [TensorValue]) -> [TensorValue] {
    let inner = min(inputs[0].width, inputs[1].width)
    var fitted = inputs
    for index in 0..<2 { fitted[index] = inputs[index].cut(to: inputs[index].shape.dropLast() + [inner]) }
    if inputs.count > 2, case .floats = inputs[2].elements {
      let output = inputs[1].shape[inputs[1].shape.count - 2]
      fitted[2] = inputs[2].cut(to: inputs[2].shape.dropLast() + [output])
    }
    return fitted
  }

  /// The first operands cut to one shape.
  private func fittedAlike(_ inputs: [TensorValue], _ count: Int) -> [TensorValue] {
    let shape = inputs.prefix(count).map(\.shape).reduce(inputs[0].shape) { zip($0, $1).map(min) }
    return inputs.prefix(count).map { $0.cut(to: shape) } + inputs.dropFirst(count)
  }
}

extension [TensorValue] {
  /// The operands with the leading axes of one cut.
  fileprivate func fitting(_ index: Int, to leading: [Int]) -> [TensorValue] {
    var fitted = self
    fitted[index] = self[index].cut(to: leading + self[index].shape.dropFirst(leading.count))
    return fitted
  }
}

extension TensorValue {
  /// The last two sizes, both as the smaller of them.
  fileprivate var squareSides: [Int] {
    let side = shape.suffix(2).min() ?? 1
    return shape.suffix(2).map { _ in side }
  }

  /// The tensor's beginning along every axis; an axis that is shorter already stays.
  func cut(to sizes: [Int]) -> TensorValue {
    let sizes = zip(shape, sizes).map(min)
    if sizes == shape { return self }
    var places = [0]
    for (size, length) in zip(shape, sizes) {
      places = places.flatMap { place in (0..<length).map { place * size + $0 } }
    }
    switch elements {
    case .floats(let values): return TensorValue(sizes, places.map { values[$0] })
    case .integers(let values): return TensorValue(sizes, integers: places.map { values[$0] })
    }
  }
}
