import MoE

extension ModelWriter {
  /// A function of numbers where it is defined, or what people write by hand with such functions.
  mutating func computed(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    if dice.happens(25) { return cut(x, width) }
    return switch dice.int(0...13) {
    case 0: (x.squared() + 0.5).sqrt()
    case 1: x.tanh().exp()
    case 2: (x * x + 0.1).log()
    case 3: x / (any(width).squared() + 1)
    case 4: dice.pick([1, -0.5]) / (x.squared() + 0.5)
    case 5: (x.tanh().squared() + 0.2).power(dice.pick([1.5, -0.7, 3, -2, 0.5, -1, 5]))
    case 6: dice.happens(50) ? max(x, any(width) * 0.5) : min(any(width), x)
    case 7: dice.happens(50) ? min(x, 0.3) : max(-0.4, x)
    case 8: x.clamped(-0.8...0.9)
    case 9: x / (x.squared().mean(over: width) + 0.01).sqrt()
    case 10: x * any(width).tanh().stopGradient() + .constant(0.2, like: x)
    case 11: x.sin() + (x.tanh() * dice.pick([0.5, 9])).cos()
    case 12: turned(x, width)
    default: x + (x.clamped(-1...1) - x).stopGradient()
    }
  }

  /// Columns cut, joined and looked at otherwise, which leaves as many.
  private mutating func cut(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    let half = Swift.max(1, width.size / 2)
    let (first, rest) = (columns(half), columns(Swift.max(1, width.size - half)))
    switch dice.int(0...4) {
    case 0 where width.size > 1:
      let parts = x.split(first, rest)
      return concatenated(parts[1], parts[0].tanh(), as: width)
    case 1:
      return x * x.slice(first, from: dice.int(0...width.size - half)).mean(over: first)
    case 2 where width.size % 2 == 0:
      let pairs = x.reshaped(to: first, columns(2))
      return (pairs * pairs.sum(over: columns(2))).reshaped(last: 2, to: width)
    // Of two axes that are one, the mean is over the first.
    case 3 where width != sizes.B:
      return x * (x.max(over: width) - x.mean(over: width)).tanh()
    default: return x - x.logSumExp()
    }
  }

  /// By angles that grow along the text, or along the width alone.
  private mutating func turned(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    let turns = (width.indices() * dice.pick([-0.3, -1, 0.02])).exp()
    guard let text, dice.happens(70) else { return x * turns.cos() }
    switch dice.int(0...3) {
    case 0: return x * (text.positions.numbers(over: width) * 0.5).cos()
    case 1: return x + (text.tokens.numbers() + text.positions.numbers() + 1).log()
    case 2: return x + text.positions.numbers(over: width) * sizes.T.indices() * 0.01
    default:
      let angles = text.positions.numbers(over: width) * turns
      return x * angles.cos() + any(width) * angles.sin()
    }
  }

  private func columns(_ size: Int) -> MoE.Axis { MoE.Axis("N\(size)", size) }

  /// The same of rows sorted by expert.
  mutating func computed(_ x: Routed) -> Routed {
    switch dice.int(0...7) {
    case 0: (x.squared() + 0.5).sqrt()
    case 1: x.clamped(-2...2).exp()
    case 2: (x * x + 0.1).log()
    case 3: x / (x.squared() + 1)
    case 4: (1 / (x.squared() + 0.5)).power(dice.pick([0.7, 2]))
    case 5: max(x, -x * 0.5)
    case 6: max(-0.3, min(x, 0.6))
    default: x + (x.tanh() - x).stopGradient()
    }
  }

  /// The gated unit of gpt-oss, with bounds that are met.
  mutating func clampedGate(_ gate: Routed, _ up: Routed) -> Routed {
    let bounded = min(gate, 0.7)
    return (up.clamped(-0.7...0.7) + 1) * bounded * (bounded * 1.702).sigmoid()
  }
}
