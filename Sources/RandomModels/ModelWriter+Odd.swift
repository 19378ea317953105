import MoE

extension ModelWriter {
  /// What is seldom written: axes in other places than their own, weights and tables that are computed,
  /// noise and dropout on what has no sequences; the result is as wide as what came.
  mutating func oddity(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    switch dice.int(0...8) {
    case 0: return x + acrossTime(x)
    case 1: return x.linear(weight: computedWeight(width))
    case 2: return x + ofPositions(width)
    case 3: return x * ofParameters(width)
    case 4: return x.linear(name("up"), sizes.B * sizes.T).gelu().linear(name("down"), width)
    case 5: return x + ofTokens(width)
    case 6:
      let weight = parameter(name("weight"), width, width, initial: .normal(0.3))
      return x.linear(weight: weight, bias: ofParameters(width))
    case 7:
      return x.linear(name("fit"), sizes.C).mergedOverHeads(sizes.heads).linear(name("back"), width)
    default: return noisy(noisy(x))
    }
  }

  private mutating func acrossTime(_ x: Tensor) -> Tensor {
    let y = x.transposed()
    switch dice.int(0...3) {
    case 0: return y.softmax().transposed()
    case 1: return normalized(y).transposed()
    case 2: return y.linear(name("mix"), sizes.T).gelu().transposed()
    default:
      let width = dice.pick([sizes.B * sizes.T, sizes.B, sizes.F, 2 * sizes.T])
      return y.linear(name("mix"), width).tanh().linear(name("back"), sizes.T).transposed()
    }
  }

  private mutating func computedWeight(_ width: MoE.Axis) -> Tensor {
    let weight = parameter(name("weight"), width, width, initial: .normal(0.3))
    switch dice.int(0...3) {
    case 0: return noisy(weight)
    case 1: return weight.linear(name("inner"), width)
    case 2: return weight.softmax().transposed() + weight
    default: return normalized(weight)
    }
  }

  private mutating func ofPositions(_ width: MoE.Axis) -> Tensor {
    guard let text else { return ofParameters(width) }
    let y = text.positions.embedding(name("places"), width)
    return dice.happens(50) ? noisy(y) : y.linear(name("linear"), width).gelu()
  }

  private mutating func ofTokens(_ width: MoE.Axis) -> Tensor {
    let table = parameter(name("table"), sizes.V, width, initial: .normal(1))
    let computed = dice.happens(50) ? noisy(table) : normalized(table)
    return text?.tokens.embedding(computed) ?? ofParameters(width)
  }

  private mutating func ofParameters(_ width: MoE.Axis) -> Tensor {
    let a = parameter(name("a"), width, initial: .normal(1))
    let b = parameter(name("b"), width, initial: .normal(1))
    switch dice.int(0...3) {
    case 0: return a + b * a.tanh()
    case 1: return a.softmax() - b
    case 2: return noisy(a)
    default: return normalized(a) * b
    }
  }

  private mutating func noisy(_ x: Tensor) -> Tensor {
    let noise = Tensor.normal(like: x, inEvaluation: dice.happens(50))
    switch dice.int(0...3) {
    case 0: return x.dropout(0.3)
    case 1: return x + noise * 0.2
    case 2: return (x + noise * 0.2).dropout(0.3)
    default: return x * noise
    }
  }
}

extension Tensor {
  /// Attention of numbers to numbers, instead of places to places.
  fileprivate func mergedOverHeads(_ count: Int) -> Tensor {
    let x = heads(count).transposed()
    return x.matmul(x.transposed()).causalMasked().softmax().matmul(x).transposed().mergedHeads()
  }
}
