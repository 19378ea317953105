import Foundation
import GraphIR

extension Interpreter {
  /// `Softmax`: over the last axis.
  func softmax(_ site: Site) -> TensorValue {
    let x = site.inputs[0]
    return TensorValue(x.shape, (0..<x.rows).flatMap { Self.softmax(Array(x.row($0))) })
  }

  private static func softmax(_ row: [Double]) -> [Double] {
    let (maximum, sum) = normaliser(row)
    return row.map { exp($0 - maximum) / sum }
  }

  /// max x and Σ exp(x - max x). Apart, because log Σ exp x is max x alone where that is large.
  static func normaliser(_ row: some Sequence<Double>) -> (maximum: Double, sum: Double) {
    let maximum = row.reduce(-Double.infinity, max)
    return (maximum, row.reduce(0) { $0 + exp($1 - maximum) })
  }

  /// `SoftmaxGradient`: dx = y (dy - Σ dy y).
  func softmaxGradient(_ site: Site) -> TensorValue {
    let (dy, y) = (site.inputs[0], site.inputs[1])
    let dx = (0..<y.rows).flatMap { r in
      let (d, p) = (dy.row(r), y.row(r))
      let sum = reduced(zip(d, p).reduce(0) { $0 + $1.0 * $1.1 })
      return zip(d, p).map { $1 * ($0 - sum) }
    }
    return TensorValue(y.shape, dx)
  }

  /// `CausalMask`: keys after the query become the fill.
  func causalMask(_ op: CausalMask, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let fill = op.fill == .zero ? 0 : -Double.infinity
    let length = x.width
    let each = x.count / max(x.shape[0], 1)
    let beginnings = site.inputs.count > 1 ? site.integers(1) : []
    let y = x.floats.enumerated().map { index, element in
      let (t, u) = (index / length % length, index % length)
      let first = beginnings.isEmpty ? 0 : Int(beginnings[index / each * length + t])
      return first <= u && u <= t ? element : fill
    }
    return TensorValue(x.shape, y)
  }
}
