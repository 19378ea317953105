import GraphIR

/// A learned tensor to use more than once, such as a token table that is also the head.
///
///     let table = parameter("token", V, C)
///     let x = text.tokens.embedding(table)    …    return y.linear(weight: table)
///
/// It is called `<scope>.<name>`; the name may have dots. `decays` says whether weight decay is for it, where the
/// model's `decaying` is not to. `initial` takes the last axis for the
/// fan-in and the one before for the fan-out.
public func parameter(
  _ name: String, _ axes: Axis..., initial: WeightInitializer = .normal(1), decays: Bool? = nil,
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor {
  guard let tracer = Tracer.current else {
    let site = Site(file, line, column, name: "parameter")
    Terminal.fail([
      Diagnostic(
        at: site.location, "parameter: \"\(name)\" is made outside a model",
        hint: "make it in LanguageModel's closure")
    ])
  }
  let call = tracer.call("parameter", layer: name, file, line, column)
  tracer.claim(name, call, valid: Names.isParameter)
  tracer.check(initial, call)
  let used = axes.compactMap { tracer.use($0, call) }
  guard used.count == axes.count else { return tracer.poison(call.site) }
  return tracer.parameter(call.scope, used, initial.initializer(used), decays: decays, call)
}
