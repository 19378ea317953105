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
      let sum = zip(d, p).reduce(0) { $0 + $1.0 * $1.1 }
      return zip(d, p).map { $1 * ($0 - sum) }
    }
    return TensorValue(y.shape, dx)
  }

  /// `CausalMask`: keys after the query become the fill.
  func causalMask(_ op: CausalMask, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let fill = op.fill == .zero ? 0 : -Double.infinity
    let length = x.width
    let y = x.floats.enumerated().map { index, element in
      index % length > index / length % length ? fill : element
    }
    return TensorValue(x.shape, y)
  }
}
