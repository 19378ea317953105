import GraphIR

extension Tracer {
  /// Takes a layer's or parameter's name, or reports that it is wrong or taken; either way its
  /// shapes are known, and tracing goes on with them.
  func claim(_ name: String, _ call: Call, valid: (String) -> Bool = Names.isLayer) {
    guard valid(name) else {
      report("the name \"\(name)\" \(Names.problem(name))", call)
      return
    }
    guard let first = claims[call.scope] else {
      claims[call.scope] = call.site
      return
    }
    report(
      "\"\(call.scope)\" exists already", call,
      hint: "the first one is at \(first.location); names are unique within a scope",
      key: "duplicate")
  }

  /// A learned tensor, or a state, which does not decay; of those of experts each has a stack of its own.
  func parameter(
    _ name: String, _ axes: [GraphIR.Axis], _ initializer: Initializer, isState: Bool = false,
    signStep: Double? = nil, decays: Bool? = nil, ofExperts: Bool = false, _ call: Call
  ) -> Tensor {
    claimParameter(name, call)
    let isMatrix = axes.count - (ofExperts ? 1 : 0) > 1
    let isDecaying = decays ?? (decaying == .all || isMatrix)
    let parameter = Parameter(
      name: name, axes: axes, initializer: initializer, decays: !isState && isDecaying,
      isState: isState,
      signStep: signStep)
    return tensor(.parameter(parameter), [], call)
  }

  /// Reports a parameter whose name is that of another one, in the model or in C.
  private func claimParameter(_ name: String, _ call: Call) {
    let identifier = String(name.map { $0 == "." ? "_" : $0 })
    guard let first = parameterNames[identifier] else {
      parameterNames[identifier] = (name, call.site)
      return
    }
    let problem = name == first.name ? "exists already" : "and \"\(first.name)\" are one name in C"
    report(
      "\"\(name)\" \(problem)", call, hint: "the first one is at \(first.site.location)",
      key: "duplicate")
  }

  /// Reports what is wrong with an initializer.
  func check(_ weights: WeightInitializer, _ call: Call) {
    if let problem = weights.problem { report(problem, call) }
  }

  /// A linear layer with weights of its own, one matrix or one per expert.
  func linear(
    _ x: Tensor, named name: String, to output: Axis, bias: Bool, weights: WeightInitializer?,
    start: Value? = nil, _ call: Call
  ) -> Tensor {
    claim(name, call)
    if let weights { check(weights, call) }
    let weights = weights ?? linearWeights
    let output = use(output, call)
    guard let type = x.type, let input = inputAxis(of: type, call), let output else {
      return poison(call.site)
    }
    let stack = type.experts.map { [$0] } ?? []
    let axes = stack + [output, input]
    let isByExpert = !stack.isEmpty
    var operands = [
      x,
      parameter(
        "\(call.scope).weight", axes, weights.initializer(axes), ofExperts: isByExpert, call),
    ]
    if bias {
      let bound = 1 / Double(input.size).squareRoot()
      operands.append(
        parameter(
          "\(call.scope).bias", stack + [output], .uniform(bound), ofExperts: isByExpert, call))
    }
    if let start { operands.append(Tensor(self, start, call.site)) }
    return tensor(.linear(Linear(bias: bias)), operands, call)
  }

  private func inputAxis(of type: TensorType, _ call: Call) -> GraphIR.Axis? {
    guard type.element == .f32 else {
      report(
        "expected a tensor of numbers, got \(type)", call,
        hint: "whole numbers become vectors with .embedding(name, axis)")
      return nil
    }
    guard let axis = type.axes.last else {
      report("expected a tensor with at least one axis, got \(type)", call)
      return nil
    }
    return axis
  }
}
