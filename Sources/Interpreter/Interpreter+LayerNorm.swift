import GraphIR

extension Interpreter {
  /// `LayerNorm`: y = (x - mean) rstd w + b.
  func layerNorm(_ op: LayerNorm, _ site: Site) -> [TensorValue] {
    let x = site.inputs[0]
    let w = site.floats(1)
    let b = op.bias ? site.floats(2) : [Double](repeating: 0, count: w.count)
    var (y, means, rstds): ([Double], [Double], [Double]) = ([], [], [])
    for r in 0..<x.rows {
      let row = Array(x.row(r))
      let mean = reduced(row.reduce(0, +) / Double(x.width))
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.width)
      let rstd = 1 / (variance + op.epsilon).squareRoot()
      y += row.indices.map { (row[$0] - mean) * rstd * w[$0] + b[$0] }
      means.append(mean)
      rstds.append(rstd)
    }
    let rows = Array(x.shape.dropLast())
    return [TensorValue(x.shape, y), TensorValue(rows, means), TensorValue(rows, rstds)]
  }

  /// `LayerNormGradient`: dx = rstd (g - Σ g / C - n Σ (g n) / C) with g = dy w.
  func layerNormGradient(_ op: LayerNormGradient, _ site: Site) -> [TensorValue] {
    let (dy, x) = (site.inputs[0], site.inputs[1])
    let (w, mean, rstd) = (site.floats(2), site.floats(3), site.floats(4))
    let width = Double(x.width)
    var dx: [Double] = []
    var dw = [Double](repeating: 0, count: x.width)
    var db = dw
    for r in 0..<x.rows {
      let d = Array(dy.row(r))
      let n = x.row(r).map { ($0 - mean[r]) * rstd[r] }
      let g = zip(d, w).map { $0 * $1 }
      let sum = reduced(g.reduce(0, +) / width)
      let product = reduced(zip(g, n).reduce(0) { $0 + $1.0 * $1.1 } / width)
      dx += zip(g, n).map { rstd[r] * ($0 - sum - $1 * product) }
      for column in n.indices {
        dw[column] += d[column] * n[column]
        db[column] += d[column]
      }
    }
    let sums = op.bias ? [dw, db] : [dw]
    return [TensorValue(x.shape, dx)] + sums.map { TensorValue([x.width], $0) }
  }
}
