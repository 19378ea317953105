import GraphIR

extension Interpreter {
  /// `Linear`: y = x wᵀ + b, for all rows or expert by expert.
  func linear(_ op: Linear, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let w = site.inputs[1]
    let output = w.shape[w.shape.count - 2]
    var y = [Double](repeating: 0, count: x.rows * output)
    for part in parts(site, rows: x.rows) {
      multiply(
        part.rows(of: x), part.weights(w).transposed, into: &y, at: part.first * output)
      if op.bias { part.add(site.floats(2), to: &y, width: output) }
    }
    return TensorValue(x.shape.dropLast() + [output], y)
  }

  /// `LinearInputGradient`: dx = dy w.
  func linearInputGradient(_ site: Site) -> TensorValue {
    let dy = site.inputs[0]
    let w = site.inputs[1]
    var dx = [Double](repeating: 0, count: dy.rows * w.width)
    for part in parts(site, rows: dy.rows) {
      multiply(part.rows(of: dy), part.weights(w), into: &dx, at: part.first * w.width)
    }
    return TensorValue(dy.shape.dropLast() + [w.width], dx)
  }

  /// `LinearWeightGradient`: dw = dyᵀ x, db = the sum of dy's rows.
  func linearWeightGradient(_ op: LinearWeightGradient, _ site: Site) -> [TensorValue] {
    let dy = site.inputs[0]
    let x = site.inputs[1]
    let stack = site.inputTypes[0].experts.map { [$0.size] } ?? []
    let matrices = stack.first ?? 1
    var dw = [Double](repeating: 0, count: matrices * dy.width * x.width)
    var db: [Double] = []
    for part in parts(site, rows: dy.rows) {
      multiply(
        part.rows(of: dy).transposed, part.rows(of: x), into: &dw,
        at: part.matrix * dy.width * x.width)
      let owned = dy.floats[part.first * dy.width..<(part.first + part.count) * dy.width]
      db += Self.sumLeading(Array(owned), width: dy.width)
    }
    let weights = TensorValue(stack + [dy.width, x.width], dw)
    return op.bias ? [weights, TensorValue(stack + [dy.width], db)] : [weights]
  }

  /// The rows that share a weight matrix: all, or those of each expert as `start` has them.
  func parts(_ site: Site, rows: Int) -> [LinearPart] {
    guard site.inputTypes[0].experts != nil, let start = site.inputs.last?.integers else {
      return [LinearPart(matrix: 0, first: 0, count: rows)]
    }
    return zip(start, start.dropFirst()).enumerated().map { expert, bounds in
      LinearPart(matrix: expert, first: Int(bounds.0), count: Int(bounds.1 - bounds.0))
    }
  }

  /// `Matmul`: c = a b for each matrix of the leading axes.
  func matmul(_ op: Matmul, _ site: Site) -> TensorValue {
    let a = site.inputs[0]
    let b = site.inputs[1]
    let batch = Array(a.shape.dropLast(2))
    let m = op.transposeA ? a.width : a.shape[batch.count]
    let n = op.transposeB ? b.shape[batch.count] : b.width
    let matrices = batch.reduce(1, *)
    var c = [Double](repeating: 0, count: matrices * m * n)
    for index in 0..<matrices {
      let x = Self.matrix(index, of: a)
      let y = Self.matrix(index, of: b)
      multiply(
        op.transposeA ? x.transposed : x, op.transposeB ? y.transposed : y, into: &c,
        at: index * m * n)
    }
    return TensorValue(batch + [m, n], c)
  }

  private static func matrix(_ index: Int, of x: TensorValue) -> MatrixView {
    let rows = x.shape[x.shape.count - 2]
    return MatrixView(
      x.floats, offset: index * rows * x.width, rows: rows, columns: x.width)
  }

  /// `Transpose`: the last two axes change places.
  func transpose(_ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let (rows, columns) = (x.shape[x.shape.count - 2], x.width)
    var shape = x.shape
    shape.swapAt(shape.count - 1, shape.count - 2)
    let from = { (index: Int) in
      let (matrix, place) = (index / (rows * columns), index % (rows * columns))
      return (matrix * rows + place % rows) * columns + place / rows
    }
    switch x.elements {
    case .floats(let values): return TensorValue(shape, values.indices.map { values[from($0)] })
    case .integers(let values):
      return TensorValue(shape, integers: values.indices.map { values[from($0)] })
    }
  }
}

/// Rows `first ..< first + count` and the number of their weight matrix.
struct LinearPart {
  var matrix: Int
  var first: Int
  var count: Int

  func rows(of x: TensorValue) -> MatrixView {
    MatrixView(x.floats, offset: first * x.width, rows: count, columns: x.width)
  }

  func weights(_ w: TensorValue) -> MatrixView {
    let rows = w.shape[w.shape.count - 2]
    return MatrixView(
      w.floats, offset: matrix * rows * w.width, rows: rows, columns: w.width)
  }

  func add(_ bias: [Double], to y: inout [Double], width: Int) {
    for row in first..<first + count {
      for column in 0..<width { y[row * width + column] += bias[matrix * width + column] }
    }
  }
}
