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
    var shapes = inputs.map(\.shape)
    for meeting in node.op.forward?.meetings(types) ?? [] {
      guard let size = meeting.map({ shapes[$0.operand][$0.axis] }).min() else { continue }
      for place in meeting { shapes[place.operand][place.axis] = size }
    }
    return zip(inputs, shapes).map { $0.cut(to: $1) }
  }
}

extension TensorValue {
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
