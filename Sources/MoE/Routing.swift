import GraphIR

/// Which rows a routing makes: those of one choice of experts with one capacity.
struct RouteKey: Hashable {
  var indices: Value
  var capacity: Double?
}

/// The largest logits of each token and the experts they belong to.
public struct TopK: Sendable {
  let values: Tensor
  let indices: Tensor
  let experts: GraphIR.Axis?

  /// The weights of the chosen experts: exp(x) / Σ exp(x) over them alone, so that they sum to 1.
  ///
  ///     f32[B, T, K] -> weights f32[B, T, K]
  public func softmax(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let weights = values.softmax(file: file, line: line, column: column)
    return Routing(weights: weights, indices: indices, experts: experts)
  }
}

/// Which experts see a token, and how much each one counts.
public struct Routing: Sendable {
  let weights: Tensor
  let indices: Tensor
  let experts: GraphIR.Axis?
}

extension TopK: Relocatable {
  func relocated(to site: Site) -> TopK {
    TopK(
      values: values.relocated(to: site), indices: indices.relocated(to: site), experts: experts)
  }
}

extension Routing: Relocatable {
  func relocated(to site: Site) -> Routing {
    Routing(
      weights: weights.relocated(to: site), indices: indices.relocated(to: site), experts: experts)
  }
}

extension Tensor {
  /// The `count` largest logits of each token; of equal ones the lower expert wins.
  ///
  ///     f32[B, T, E] -> values f32[B, T, K], indices i32[B, T, K], in ascending expert order
  ///
  /// The new axis is called K, or K2, … where that name has another size. Error: a count below 1 or
  /// above the number of experts.
  public func top(
    _ count: Int, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> TopK {
    let call = tracer.call("top", file, line, column)
    guard let results = chosen(count, call), let experts = type?.axes.last else {
      let poison = tracer.poison(call.site)
      return TopK(values: poison, indices: poison, experts: nil)
    }
    return TopK(
      values: Tensor(tracer, results[0], call.site),
      indices: Tensor(tracer, results[1], call.site), experts: experts)
  }

  private func chosen(_ count: Int, _ call: Call) -> [Value]? {
    guard let experts = type?.axes.last else { return nil }
    guard count >= 1, count <= experts.size else {
      tracer.report(
        "cannot choose \(count) of \(experts.named) experts", call,
        hint: "choose from 1 to \(experts.size)")
      return nil
    }
    let chosen = tracer.automaticAxis("K", count, call)
    return tracer.emit(.top(Top(chosen: chosen)), [self], call)
  }

  /// Copies each token to the rows of its experts, sorted by expert.
  ///
  ///     f32[B, T, C] -> f32[B·T·K, C] by E
  public func routed(
    by routing: Routing, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed {
    routed(by: routing, factor: nil, tracer.call("routed", file, line, column))
  }

  /// As `routed(by:)`, but each expert takes no more than its first int(B·T·K / E · capacity)
  /// tokens.
  ///
  ///     f32[B, T, C] -> f32[B·T·K, C] by E
  ///
  /// What is dropped adds nothing to `combined()`, and the other weights stay as they are. Error: a
  /// factor that is not above 0.
  public func routed(
    by routing: Routing, capacity: Double,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed {
    let call = tracer.call("routed", file, line, column)
    if capacity > 0 && capacity.isFinite { return routed(by: routing, factor: capacity, call) }
    tracer.report(
      "the capacity must be a number above 0, got \(capacity)", call,
      hint: "1 is an even share of the tokens; leave it out to drop none")
    return Routed(rows: tracer.poison(call.site), weights: routing.weights, route: [])
  }

  private func routed(by routing: Routing, factor: Double?, _ call: Call) -> Routed {
    let route = tracer.route(routing, factor, call) ?? []
    guard let value, !route.isEmpty, routing.indices.tracer === tracer else {
      return Routed(rows: tracer.poison(call.site), weights: routing.weights, route: [])
    }
    let rows = tracer.emit(.dispatch(Dispatch()), [value] + route, call)?.first
    return Routed(
      rows: Tensor(tracer, rows, call.site), weights: routing.weights, route: route)
  }
}

extension Tracer {
  /// The rows of a routing: start, source and slot.
  fileprivate func route(_ routing: Routing, _ capacity: Double?, _ call: Call) -> [Value]? {
    guard let indices = routing.indices.value, let experts = routing.experts else { return nil }
    let key = RouteKey(indices: indices, capacity: capacity)
    if let known = routes[key] { return known }
    // Layers that were handed a choice from outside share its rows, which are found where it was made.
    let isFromOutside = builder.graph.nodes[indices.node].layer != layer
    let op = Op.route(Route(experts: experts, capacity: capacity))
    routes[key] = emit(op, [indices], call, home: isFromOutside ? indices : nil)
    return routes[key]
  }
}
