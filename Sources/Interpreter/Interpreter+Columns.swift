import GraphIR

extension Interpreter {
  /// `Reshape`: the numbers as they are.
  func reshape(_ op: Reshape, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    return TensorValue(x.shape.dropLast(op.replaced) + op.axes.map(\.size), x.floats)
  }

  /// `Slice`: columns from `start` on.
  func slice(_ op: Slice, _ site: Site) -> TensorValue {
    let (x, width) = (site.inputs[0], op.axis.size)
    let y = (0..<x.rows).flatMap { x.row($0).dropFirst(op.start).prefix(width) }
    return TensorValue(x.shape.dropLast() + [width], y)
  }

  /// `Pad`: columns from `start` on are x's, the others 0.
  func pad(_ op: Pad, _ site: Site) -> TensorValue {
    let (x, width) = (site.inputs[0], op.axis.size)
    let before = [Double](repeating: 0, count: op.start)
    let after = [Double](repeating: 0, count: width - op.start - x.width)
    let y = (0..<x.rows).flatMap { before + x.row($0) + after }
    return TensorValue(x.shape.dropLast() + [width], y)
  }

  /// `Concatenate`: the rows of all operands side by side.
  func concatenate(_ site: Site) -> TensorValue {
    let rows = site.inputs[0].rows
    let y = (0..<rows).flatMap { r in site.inputs.flatMap { Array($0.row(r)) } }
    let width = site.inputs.reduce(0) { $0 + $1.width }
    return TensorValue(site.inputs[0].shape.dropLast() + [width], y)
  }
}
