import GraphIR

/// A bias of each expert in the choice that no gradient changes: see `Routing.balanced(by:)`.
public struct RouterBias: Sendable {
  let state: State

  /// What it is in this step, f32[E].
  public var value: Tensor { state.value }
}

/// A bias by which a router chooses and does not weigh, `<scope>.<name>`, at first 0.
///
///     let bias = routerBias("bias", E)
///     let s = x.linear("router", E, bias: false).sigmoid()
///     let routing = s.top(2, by: s + bias.value).normalized().balanced(by: bias)
///
/// It is a state, which checkpoints keep and evaluation leaves alone. Errors: those of `state`.
public func routerBias(
  _ name: String, _ experts: Axis, rate: Double = 0.001,
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> RouterBias {
  RouterBias(
    state: state(name, experts, signStep: rate, file: file, line: line, column: column))
}
