import Foundation
import GraphIR

extension Interpreter {
  /// `Rotary`: y₁ = x₁ cos a - x₂ sin a, y₂ = x₂ cos a + x₁ sin a with a = t base^(-2 i / D), or as positions are scaled.
  func rotary(_ op: Rotary, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let (length, depth) = (x.shape[1], x.width / op.heads.size)
    var y = x.floats
    for r in 0..<x.rows {
      for i in 0..<depth / 2 {
        let turn =
          op.scaling?.turn(i, base: op.base, depth: depth)
          ?? pow(op.base, -2 * Double(i) / Double(depth))
        let (angle, amplitude) = (Double(r % length) * turn, op.scaling?.amplitude ?? 1)
        let cosine = amplitude * cos(angle)
        let sine = amplitude * (op.inverse ? -sin(angle) : sin(angle))
        for head in 0..<(op.turned ?? op.heads).size {
          let first = r * x.width + head * depth + (op.interleaved ? 2 * i : i)
          let second = op.interleaved ? first + 1 : first + depth / 2
          (y[first], y[second]) = (
            y[first] * cosine - y[second] * sine, y[second] * cosine + y[first] * sine
          )
        }
      }
    }
    return TensorValue(x.shape, y)
  }
}
