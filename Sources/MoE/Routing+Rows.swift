import GraphIR

/// How many tokens an expert takes, and which: `.share(1.25)`, `.tokens(64)`, `.share(1, roundedUp: true,
/// atLeast: 4).keeping(.weight).perSequence()`.
public typealias Capacity = GraphIR.Capacity

extension Capacity {
  /// A factor of an even share: tokens · K / E · factor, rounded down unless it is to be rounded up.
  public static func share(
    _ factor: Double, roundedUp: Bool = false, atLeast least: Int = 0
  ) -> Capacity { Capacity(factor: factor, least: least, roundsUp: roundedUp) }

  /// So many tokens, however many there are.
  public static func tokens(_ count: Int) -> Capacity { Capacity(factor: nil, least: count) }

  /// The same with other tokens staying where not all can: those that come first (`.position`), those with
  /// the largest weights (`.weight`), or first choices before second ones (`.choice`).
  ///
  /// By weight and by choice a token may make room for a later one: its output depends on what follows it.
  public func keeping(_ order: Order) -> Capacity {
    var copy = self
    copy.order = order
    return copy
  }

  /// The same for each sequence by itself: its tokens alone share the room.
  public func perSequence() -> Capacity {
    var copy = self
    copy.perSequence = true
    return copy
  }
}

/// Which rows a routing makes: those of one choice of experts with one capacity.
struct RouteKey: Hashable {
  var indices: Value
  var capacity: Capacity?
  var weights: Value?
}

extension Tensor {
  /// Copies each token to the rows of its experts, sorted by expert.
  ///
  ///     f32[B, T, C] -> f32[B·T·K, C] by E
  public func routed(
    by routing: Routing, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { routed(by: routing, nil, tracer.call("routed", file, line, column)) }

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
    routed(by: routing, .share(capacity), tracer.call("routed", file, line, column))
  }

  /// As `routed(by:)`, but each expert takes no more tokens than a rule says.
  ///
  ///     f32[B, T, C] -> f32[B·T·K, C] by E
  ///
  /// What is dropped adds nothing to `combined()`. The other weights stay as they are or, `renormalized`, are
  /// divided by their token's sum over the choices that are kept. Errors: a share that is not above 0, fewer
  /// than 1 token.
  public func routed(
    by routing: Routing, capacity: Capacity, renormalized: Bool = false,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed {
    let call = tracer.call("routed", file, line, column)
    let rows = routed(by: routing, capacity, call)
    return renormalized ? rows.renormalized(call) : rows
  }

  private func routed(by routing: Routing, _ capacity: Capacity?, _ call: Call) -> Routed {
    let isRule = capacity.map { tracer.check($0, call) } ?? true
    let route = isRule ? tracer.route(routing, capacity, call) ?? [] : []
    guard let value, !route.isEmpty, routing.indices.tracer === tracer else {
      return Routed(rows: tracer.poison(call.site), weights: routing.weights, route: [])
    }
    let rows = tracer.emit(.dispatch(Dispatch()), [value] + route, call)?.first
    return Routed(
      rows: Tensor(tracer, rows, call.site), weights: routing.weights, route: route)
  }
}

extension Routed {
  /// Weights whose sum over a token's choices that are kept is 1.
  fileprivate func renormalized(_ call: Call) -> Routed {
    guard let slot = route.last, let axes = weights.type?.axes else { return self }
    let tracer = rows.tracer
    let kept = tracer.tensor(.kept(Kept()), [Tensor(tracer, slot, call.site)], call)
    let some = weights.combining(.input(0) * .input(1), [kept], call)
    let sum = some.sum(to: axes.dropLast(), call)
    let shares = some.combining(.input(0) / (.input(1) + .constant(1e-20)), [sum], call)
    return Routed(rows: rows, weights: shares, route: route)
  }
}

extension Tracer {
  fileprivate func check(_ capacity: Capacity, _ call: Call) -> Bool {
    if let factor = capacity.factor, !(factor > 0 && factor.isFinite) {
      report(
        "the capacity must be a number above 0, got \(factor)", call,
        hint: "1 is an even share of the tokens; leave it out to drop none")
      return false
    }
    let least = capacity.factor == nil ? 1 : 0
    if (least...Int(Int32.max)).contains(capacity.least) { return true }
    report(
      "an expert cannot take \(capacity.least) tokens", call,
      hint: "give it \(least) to \(Int32.max)")
    return false
  }

  /// The rows of a routing: start, source and slot.
  fileprivate func route(_ routing: Routing, _ capacity: Capacity?, _ call: Call) -> [Value]? {
    guard let indices = routing.indices.value, let experts = routing.experts else { return nil }
    let op = Route(experts: experts, capacity: capacity)
    guard let weights = routing.weights.value else { return nil }
    let operands = op.readsWeights ? [indices, weights] : [indices]
    let key = RouteKey(
      indices: indices, capacity: capacity, weights: op.readsWeights ? weights : nil)
    if let known = routes[key] { return known }
    // Layers that were handed a choice from outside share its rows, which are found where it was made.
    let isFromOutside = builder.graph.nodes[indices.node].layer != layer
    routes[key] = emit(.route(op), operands, call, home: isFromOutside ? indices : nil)
    return routes[key]
  }
}
