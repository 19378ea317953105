import GraphIR

extension Interpreter {
  /// `Embedding`: rows of a table, by number.
  func embedding(_ site: Site) throws(Diagnostic) -> TensorValue {
    let ids = site.inputs[0]
    let table = site.inputs[1]
    if let bad = ids.integers.first(where: { $0 < 0 || Int($0) >= table.rows }) {
      throw site.error("embedding: \(bad) is outside 0 ..< \(table.rows)")
    }
    return TensorValue(
      ids.shape + [table.width], ids.integers.flatMap { table.row(Int($0)) })
  }

  /// `EmbeddingGradient`: each table row's sum over the places that name it.
  func embeddingGradient(_ op: EmbeddingGradient, _ site: Site) -> TensorValue {
    let dy = site.inputs[1]
    var sums = [Double](repeating: 0, count: op.entries.size * dy.width)
    for (place, id) in site.integers(0).enumerated() {
      for (column, element) in dy.row(place).enumerated() {
        sums[Int(id) * dy.width + column] += element
      }
    }
    return TensorValue([op.entries.size, dy.width], sums)
  }
}

extension Interpreter {
  /// `Numbers`: whole numbers, each along the width.
  func numbers(_ op: Numbers, _ site: Site) -> TensorValue {
    let width = op.width?.size ?? 1
    let numbers = site.integers(0).flatMap { [Double](repeating: Double($0), count: width) }
    return TensorValue(site.inputs[0].shape + (op.width == nil ? [] : [width]), numbers)
  }

  /// `DocumentPositions`: y[b, t] = positions[t] - beginnings[b, t].
  func documentPositions(_ site: Site) -> TensorValue {
    let (positions, beginnings) = (site.integers(0), site.integers(1))
    return TensorValue(
      site.inputs[1].shape,
      integers: beginnings.enumerated().map { positions[$0 % positions.count] - $1 })
  }

  /// `Indices`: 0, 1, … along an axis.
  func indices(_ op: Indices) -> TensorValue {
    TensorValue([op.axis.size], (0..<op.axis.size).map(Double.init))
  }
}
