import GraphIR

/// Adds a number to what training makes small, and reports it by its name.
///
///     objective = loss + Σ weight · value    value f32[]
///
///     let mean = logits.softmax().mean(over: B, T)              // [E], 1/E each where experts share alike
///     auxiliary("balance", weight: 0.01, (mean * mean).sum() * Double(E.size))
///
/// The loss that is reported stays the cross-entropy. The term is called `<scope>.<name>`, so each of
/// several `layers` has one of its own. With weight 0 it is reported and nothing else. Error: a value
/// with axes, a name twice, a weight that is not finite.
public func auxiliary(
  _ name: String, weight: Double, _ value: Tensor,
  file: String = #filePath, line: Int = #line, column: Int = #column
) {
  let tracer = value.tracer
  tracer.add(name, weight, value, tracer.call("auxiliary", layer: name, file, line, column))
}

extension Tracer {
  /// A term of the objective as a model declares it.
  struct Term {
    var name: String
    var weight: Double
    var value: Value
    var site: Site
  }

  /// Notes a term of the objective, or what is wrong with it.
  func add(_ name: String, _ weight: Double, _ value: Tensor, _ call: Call) {
    if !Names.isLayer(name) {
      report("the name \"\(name)\" \(Names.problem(name))", call)
    } else if let first = termSites[call.scope] {
      report(
        "\"\(call.scope)\" exists already", call,
        hint: "the first one is at \(first.location); give each a name of its own",
        key: "duplicate")
    }
    termSites[call.scope] = termSites[call.scope] ?? call.site
    if !Float(weight).isFinite {
      report(
        "the weight must be finite in single precision, got \(weight)", call,
        hint: "0.01 is usual for a balance of experts, 0.001 for a z-loss")
    }
    guard let made = computed(value, call) else { return }
    guard builder.type(of: made) == .scalar else {
      report(
        "expected a number, f32[], got \(builder.type(of: made))", call,
        hint: "one number comes of a tensor by .mean() or .sum()")
      return
    }
    terms.append(Term(name: call.scope, weight: weight, value: made, site: call.site))
  }

  /// Notes a term that moec knows to be least where all is well. Error: a weight that would make it large.
  func addLoss(_ name: String, _ weight: Double, _ value: Tensor, _ call: Call) {
    if weight.isFinite, weight < 0 {
      report(
        "the weight must be at least 0, got \(weight): training would make the loss large", call,
        hint: "0 reports the loss and nothing else; auxiliary(…) takes any weight")
    }
    add(name, weight, value, call)
  }

  /// The value of a tensor that something computes; nil after reporting that nothing does.
  func computed(_ tensor: Tensor, _ call: Call) -> Value? {
    guard tensor.tracer === self else {
      report("a tensor of another model", call, hint: "a tensor lives in the closure that made it")
      return nil
    }
    guard let value = tensor.value else { return nil }
    guard builder.graph.nodes[value.node].inputs.isEmpty else { return value }
    report(
      "expected something computed, got what the model keeps or is given", call,
      hint: "tokens and parameters stay as they are, and so do states without a rule")
    return nil
  }

  /// Binds the terms, and the objective if any of them has a weight.
  func bindObjective(_ loss: Value, _ call: Call) {
    for term in terms {
      builder.bind(.term(name: term.name, weight: term.weight), to: term.value)
    }
    let weighed = terms.filter { $0.weight != 0 }
    if weighed.isEmpty { return }
    var sum = ScalarExpression.input(0)
    for (index, term) in weighed.enumerated() {
      sum = sum + .constant(term.weight) * .input(index + 1)
    }
    let objective = emit(.pointwise(Pointwise(sum)), [loss] + weighed.map(\.value), call)
    if let objective { builder.bind(.objective, to: objective[0]) }
  }
}
