import MoE

extension ModelWriter {
  /// A mixture of experts with a router of its own, with or without capacity and shared experts.
  mutating func mixture() -> Tensor {
    let x = dice.happens(60) ? normalized(narrowed()) : narrowed()
    let routing = dice.happens(15) && !routings.isEmpty ? dice.pick(routings) : newRouting(x)
    let rule = dice.happens(30) ? capacity(of: dice.pick([0.01, 0.3, 0.7, 1, 1.25, 100])) : nil
    var rows = routed(x, routing, rule)
    if dice.happens(8) { rows = rows + routed(any(sizes.C), routing, rule) }
    var y = expert(rows).combined()
    if dice.happens(10) { y = y + expert(rows).combined() }
    if dice.happens(6) { y = y + (y - y) }
    if dice.happens(15) {
      y = y + x.linear(name("shared"), sizes.F).gelu().linear(name("down"), sizes.C)
    }
    return dice.happens(10) ? y.dropout(0.1) : y
  }

  private mutating func newRouting(_ x: Tensor) -> Routing {
    let count = dice.pick([1, 2, 3, 4, 4, 5, 8])
    var others = dice.forked()
    let isProduct = count % 2 == 0 && others.happens(20)
    let own = isProduct ? 2 * Axis("E\(count / 2)", count / 2) : Axis("E\(count)", count)
    let experts = dice.happens(8) ? dice.pick([sizes.T, sizes.B, sizes.G]) : own
    let chosen = dice.happens(10) ? experts.size : dice.int(1...min(experts.size, 3))
    let source = dice.happens(10) ? any(sizes.C) : x
    let routing = weighed(logits(source, experts), chosen, experts)
    if dice.happens(20) { balance(routing) }
    routings.append(routing)
    return routing
  }

  /// The routers of models that people know.
  private mutating func weighed(
    _ logits: Tensor, _ chosen: Int, _ experts: MoE.Axis
  ) -> Routing {
    switch dice.int(0...9) {
    case 0: return logits.softmax().top(chosen).weights(scaled: dice.pick([1, 2.5]))
    case 1: return logits.softmax().top(chosen).normalized()
    case 2: return logits.sigmoid().top(chosen).normalized(scaled: dice.pick([1, 2.5]))
    case 3:
      let (bias, scores) = (routerBias(name("bias"), experts), logits.sigmoid())
      return scores.top(chosen, by: scores + bias.value).normalized().balanced(by: bias)
    case 4: return logits.relu().top(chosen, by: logits).weights()
    case 5 where experts.size % 2 == 0 && chosen <= experts.size / 2:
      let limited = logits.limited(toGroups: 1, of: 2, byBest: 1)
      return logits.softmax().top(chosen, by: limited).normalized()
    case 6 where dice.happens(30):
      return logits.sigmoid().top(chosen, by: logits.tanh().sinkhorn(rounds: 2)).weights()
    default: return logits.top(chosen).softmax()
    }
  }

  private mutating func balance(_ routing: Routing) {
    switch dice.int(0...3) {
    case 0: routing.balanced(dice.pick([0.01, 1]), name: name("balance"))
    case 1: routing.balanced(0.1, over: .sequence, name: name("balance"))
    case 2: routing.importance(0.1, name: name("importance"))
    default:
      let own = (routing.allWeights() * routing.chosen()).squared().mean()
      auxiliary(name("own"), weight: 0.1, own)
    }
  }

  /// How many tokens an expert takes, which, and whether the weights of the others are made a whole again: rows of
  /// two rules do not meet.
  private typealias Rule = (capacity: Capacity, isRenormalized: Bool)

  private mutating func capacity(of share: Double) -> Rule {
    let shares: [Capacity] = [
      .share(share), .share(share, roundedUp: true, atLeast: 1), .tokens(2),
    ]
    var rule = dice.pick(shares).keeping(dice.pick([.position, .position, .weight, .choice]))
    if dice.happens(30) { rule = rule.perSequence() }
    return (rule, dice.happens(15))
  }

  private func routed(_ x: Tensor, _ routing: Routing, _ rule: Rule?) -> Routed {
    guard let rule else { return x.routed(by: routing) }
    return x.routed(by: routing, capacity: rule.capacity, renormalized: rule.isRenormalized)
  }

  private mutating func logits(_ x: Tensor, _ experts: MoE.Axis) -> Tensor {
    let logits = x.linear(name("gate"), experts, bias: dice.happens(40))
    switch dice.int(0...8) {
    case 0, 1:
      let spread = x.linear(name("noise"), experts).softplus()
      return logits + .normal(like: logits, inEvaluation: dice.happens(50)) * spread
    case 2: return logits + .normal(like: logits, inEvaluation: dice.happens(50))
    case 3: return logits.softmax()
    case 4: return logits * dice.pick([0.1, 4, -1])
    case 5: return activated(logits)
    case 6:
      logits.zLoss(0.01, name: name("z"))
      return dice.happens(50) ? logits.jittered(0.1) : logits
    default: return logits
    }
  }

  private mutating func expert(_ rows: Routed) -> Routed {
    var y: Routed
    switch dice.int(0...4) {
    case 0:
      let gate = activated(rows.linear(name("gate"), sizes.F, bias: dice.happens(50)))
      let up = rows.linear(name("up"), sizes.F, bias: dice.happens(50))
      y = (dice.happens(30) ? clampedGate(gate, up) : gate * up).linear(name("down"), sizes.C)
    case 1: y = rows.linear(name("one"), sizes.C, bias: dice.happens(50))
    case 2:
      let a = activated(rows.linear(name("first"), sizes.F))
      y = activated(a.linear(name("second"), sizes.G, bias: false)).linear(name("third"), sizes.C)
    case 3: y = dice.happens(50) ? activated(rows) : normalized(rows)
    default: y = activated(rows.linear(name("up"), 4 * sizes.C)).linear(name("down"), sizes.C)
    }
    if dice.happens(15) { y = normalized(y) }
    if dice.happens(15) { y = computed(y) }
    if dice.happens(20) { y = y.dropout(0.2) }
    if dice.happens(15) { y = y + rows }
    return dice.happens(10) ? y * 0.5 - 1 : y
  }

  private mutating func normalized(_ x: Routed) -> Routed {
    dice.happens(70) ? x.rmsNorm(name("norm")) : x.rmsNorm()
  }

  private mutating func activated(_ x: Routed) -> Routed {
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
}
