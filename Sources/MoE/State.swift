import GraphIR

/// Numbers that stay from step to step and that a rule updates, not a gradient.
///
///     let loads = state("loads", E, initial: 1 / Double(E.size))
///     let routing = (logits - loads.value).top(2).softmax()
///     loads.update(to: loads.value * 0.99 + mean * 0.01)
///
/// Checkpoints keep states under their names, beside the parameters.
public struct State: Sendable {
  /// What it is in this step, f32[axes]; no gradient passes it.
  public let value: Tensor

  /// Its name; nil: poisoned.
  let name: String?
  let tracer: Tracer

  /// Says what it is after a step.
  ///
  ///     f32[axes] -> f32[axes]
  ///
  /// The new value is computed in the step's forward pass, of this value and whatever else is there, and
  /// takes its place when all parameters are updated. Evaluation leaves it alone. A step over several
  /// batches gives it the mean of their new values. Error: other axes, a second rule, none at all.
  public func update(
    to newValue: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
  ) {
    tracer.update(self, to: newValue, tracer.call("update", file, line, column))
  }
}

/// A state to compute with and to update in each step, such as an average over steps.
///
///     value f32[axes], `initial` everywhere at first
///
/// It is called `<scope>.<name>`; the name may have dots. With `signStep` its rule gives a direction: after
/// a step it is value + signStep · sign(direction), where the direction is the mean over the step's batches.
/// Errors: no `update` of it, a first value that is not finite, a sign step that is not above 0.
public func state(
  _ name: String, _ axes: Axis..., initial: Double = 0, signStep: Double? = nil,
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> State {
  guard let tracer = Tracer.current else {
    let site = Site(file, line, column, name: "state")
    Terminal.fail([
      Diagnostic(
        at: site.location, "state: \"\(name)\" is made outside a model",
        hint: "make it in LanguageModel's closure")
    ])
  }
  let call = tracer.call("state", layer: name, file, line, column)
  return tracer.state(name, axes, initial, signStep, call)
}

extension Tracer {
  /// A state as a model declares it: where, and by which call it got its rule.
  struct DeclaredState {
    var name: String
    var site: Site
    var rule: Site?
  }

  func state(
    _ name: String, _ axes: [Axis], _ initial: Double, _ signStep: Double?, _ call: Call
  ) -> State {
    claim(name, call, valid: Names.isParameter)
    let isStep = signStep.map { Float($0).isFinite && Float($0) > 0 } ?? true
    if !initial.isFinite { report("the first value must be finite, got \(initial)", call) }
    if !isStep { report("the sign step must be a number above 0, got \(signStep ?? 0)", call) }
    let used = axes.compactMap { use($0, call) }
    guard used.count == axes.count, initial.isFinite, isStep else {
      return State(value: poison(call.site), name: nil, tracer: self)
    }
    let value = parameter(
      call.scope, used, .constant(initial), isState: true, signStep: signStep, call)
    states.append(DeclaredState(name: call.scope, site: call.site))
    return State(value: value, name: call.scope, tracer: self)
  }

  func update(_ state: State, to tensor: Tensor, _ call: Call) {
    guard let name = state.name, let index = states.lastIndex(where: { $0.name == name }),
      let type = state.value.type
    else { return }
    if let first = states[index].rule {
      report(
        "\"\(name)\" has a rule already", call, hint: "the first one is at \(first.location)",
        key: "duplicate")
      return
    }
    states[index].rule = call.site
    guard let value = computed(tensor, call) else { return }
    guard builder.type(of: value) == type else {
      report(
        "\"\(name)\" is \(type), its new value \(builder.type(of: value))", call,
        hint: ".mean(over:) and .sum(over:) leave out axes")
      return
    }
    builder.bind(.state(name), to: value)
  }

  /// Reports states without a rule.
  func checkStates() {
    for state in states where state.rule == nil {
      report(
        "state: \"\(state.name)\" has no rule", at: state.site,
        hint: "say what it is after a step: .update(to: newValue)", key: "rule")
    }
  }
}
