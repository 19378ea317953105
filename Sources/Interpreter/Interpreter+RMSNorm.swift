import GraphIR

extension Interpreter {
  /// `RMSNorm`: y = x rstd w.
  func rmsNorm(_ op: RMSNorm, _ site: Site) -> [TensorValue] {
    let whole = site.inputs[0]
    let x = whole.cut(into: op.heads)
    var y = [Double](repeating: 0, count: x.count)
    var rstds = [Double](repeating: 0, count: x.rows)
    for part in normParts(site, weight: op.weight, rows: x.rows) {
      let w = part.weights(op.weight ? site.floats(1) : nil, width: x.width)
      for r in part.first..<(part.first + part.count) {
        let row = Array(x.row(r))
        let squares = row.reduce(0) { $0 + $1 * $1 } / Double(x.width)
        rstds[r] = 1 / (squares + op.epsilon).squareRoot()
        for c in row.indices { y[r * x.width + c] = row[c] * rstds[r] * w[c] }
      }
    }
    return [TensorValue(whole.shape, y), TensorValue(Array(x.shape.dropLast()), rstds)]
  }

  /// `RMSNormGradient`: dx = rstd (g - n Σ (g n) / C) with g = dy w and n = x rstd.
  func rmsNormGradient(_ op: RMSNormGradient, _ site: Site) -> [TensorValue] {
    let (dy, x) = (site.inputs[0].cut(into: op.heads), site.inputs[1].cut(into: op.heads))
    let rstd = site.floats(op.weight ? 3 : 2)
    var dx = [Double](repeating: 0, count: x.count)
    var dw = op.weight ? [Double](repeating: 0, count: site.inputs[2].count) : []
    for part in normParts(site, weight: op.weight, rows: x.rows) {
      let w = part.weights(op.weight ? site.floats(2) : nil, width: x.width)
      for r in part.first..<(part.first + part.count) {
        let d = Array(dy.row(r))
        let n = x.row(r).map { $0 * rstd[r] }
        let g = zip(d, w).map { $0 * $1 }
        let product = reduced(zip(g, n).reduce(0) { $0 + $1.0 * $1.1 } / Double(x.width))
        for c in n.indices {
          dx[r * x.width + c] = rstd[r] * (g[c] - n[c] * product)
          if op.weight { dw[part.matrix * x.width + c] += d[c] * n[c] }
        }
      }
    }
    let gradient = TensorValue(site.inputs[1].shape, dx)
    return op.weight ? [gradient, TensorValue(site.inputs[2].shape, dw)] : [gradient]
  }

  /// The rows that share weights; without weights all do.
  private func normParts(_ site: Site, weight: Bool, rows: Int) -> [LinearPart] {
    weight ? parts(site, rows: rows) : [LinearPart(matrix: 0, first: 0, count: rows)]
  }
}

extension LinearPart {
  /// The part's vector of a stack of them; ones where there is none.
  fileprivate func weights(_ stack: [Double]?, width: Int) -> [Double] {
    stack.map { Array($0[(matrix * width)..<((matrix + 1) * width)]) }
      ?? [Double](repeating: 1, count: width)
  }
}

extension TensorValue {
  /// The same numbers, each head a row.
  fileprivate func cut(into heads: HeadAxes?) -> TensorValue {
    guard let heads else { return self }
    return TensorValue(shape.dropLast() + [heads.count.size, heads.depth.size], floats)
  }
}
