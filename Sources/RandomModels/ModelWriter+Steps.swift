import MoE

extension ModelWriter {
  /// Makes one more value.
  mutating func step() {
    let (x, width) = any()
    switch dice.int(0...18) {
    case 0: values.append((activated(x), width))
    case 1:
      values.append((normalized(x, epsilon: dice.pick([1e-5, 1e-3, 0.1])), width))
    case 2, 3: projection(x)
    case 4: values.append((combination(x, any(width)), width))
    case 5: values.append((scaled(x, width), width))
    case 6: values.append((random(x, width), width))
    case 7, 8: values.append((attended(), sizes.C))
    case 9: values.append((mixedOverTime(x, width), width))
    case 10: values.append((x.softmax(), width))
    case 11: values.append((oddity(x, width), width))
    case 12: values.append((besideTheLoss(x, width), width))
    case 13: values.append((gated(x), sizes.C))
    case 14, 15: values.append((computed(x, width), width))
    default: values.append((mixture(), sizes.C))
    }
  }

  mutating func normalized(_ x: Tensor, epsilon: Double = 1e-5) -> Tensor {
    switch dice.int(0...4) {
    case 0, 1: x.rmsNorm(name("norm"), epsilon: epsilon)
    case 2: x.rmsNorm(epsilon: epsilon)
    default: x.layerNorm(name("norm"), epsilon: epsilon, bias: dice.happens(80))
    }
  }

  mutating func activated(_ x: Tensor) -> Tensor {
    switch dice.int(0...8) {
    case 0: x.relu()
    case 1: x.gelu()
    case 2: x.silu()
    case 3: x.sigmoid()
    case 4: x.tanh()
    case 5: x.gelu(.tanh)
    case 6: x.relu().squared()
    case 7: x.softCapped(dice.pick([0.5, 2, 30]))
    default: x.softplus()
    }
  }

  private mutating func projection(_ x: Tensor) {
    if let weight = shared.first, dice.happens(30) {
      let y = narrowed().linear(weight: weight)
      values.append((dice.happens(50) ? y.linear(weight: weight) : y, sizes.C))
      return
    }
    let width = sizes.width(&dice)
    let y = x.linear(name("linear"), width, bias: dice.happens(70))
    values.append((dice.happens(50) ? activated(y) : y, width))
  }

  /// Products of the same rows: of a gated unit, and perhaps more.
  private mutating func gated(_ x: Tensor) -> Tensor {
    let width = sizes.width(&dice)
    let gate = x.linear(name("gate"), width, bias: dice.happens(40))
    let up = x.linear(name("up"), width, bias: dice.happens(40))
    var y = activated(gate) * (dice.happens(30) ? activated(up) : up)
    if dice.happens(30) { y = y + x.linear(name("third"), width, bias: dice.happens(40)).relu() }
    if dice.happens(20) { y = y.dropout(0.2) + up }
    return y.linear(name("down"), sizes.C)
  }

  private mutating func combination(_ x: Tensor, _ y: Tensor) -> Tensor {
    switch dice.int(0...5) {
    case 0: x - y
    case 1: x * y.tanh()
    case 2: (x + y) / 2
    case 3: x - y * 0.5 + x * y.sigmoid()
    default: x + y
    }
  }

  /// By numbers and by parameters along some of the axes.
  private mutating func scaled(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    let (B, T) = (sizes.B, sizes.T)
    switch dice.int(0...6) {
    case 0: return x * dice.pick([0.5, -1, 2, 0])
    case 1: return 1 - x
    case 2: return x * parameter(name("gain"), width, initial: .normal(1))
    case 3: return x + parameter(name("offset"), T, width, initial: .normal(0.5))
    case 4: return x * parameter(name("rows"), B, T, initial: .normal(1))
    case 5: return x + parameter(name("whole"), B, T, width, initial: .normal(0.5))
    default: return x * 0.3 + 0.1
    }
  }

  /// With a term of the objective, or a state that a rule updates and that is read or not.
  private mutating func besideTheLoss(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    let (B, T, weight) = (sizes.B, sizes.T, dice.pick([0.5, 0.01, -0.1, 0]))
    switch dice.int(0...5) {
    case 0: auxiliary(name("size"), weight: weight, (x * x).mean())
    case 1:
      let share = x.softmax().mean(over: B, T)
      auxiliary(name("balance"), weight: weight, (share * share).sum() * 2)
    case 2:
      let seen = state(name("seen"), initial: 1)
      seen.update(to: seen.value * 0.5 + x.tanh().mean())
      auxiliary(name("odd"), weight: weight, (x.sigmoid() * seen.value).mean())
    case 3:
      let places = state(name("places"), T, width, initial: 0.5)
      places.update(to: places.value * 0.9 + x.tanh().mean(over: B))
      return dice.happens(50) ? x + places.value : x
    default:
      let mean = state(name("mean"), width)
      let part = x.mean(over: B, T)
      // A parameter that only a rule reads has no gradient.
      let share = dice.happens(50) ? part * parameter(name("still"), width) : part * 0.1
      mean.update(to: mean.value * 0.9 + share)
      return dice.happens(70) ? x - mean.value : x
    }
    return x
  }

  /// With dropout and noise, in either order, after a product or alone.
  mutating func random(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    let y = dice.happens(60) ? x.linear(name("before"), width) : x
    let noise = Tensor.normal(like: y, inEvaluation: dice.happens(50))
    switch dice.int(0...4) {
    case 0: return (y + noise * 0.1).dropout(dice.pick([0.1, 0.5, 0.9]))
    case 1: return y.dropout(0.3) + noise
    case 2: return y + noise * y.softplus()
    case 3: return x + y.dropout(0.4)
    default: return y.dropout(dice.pick([0.1, 0.5]))
    }
  }
}
