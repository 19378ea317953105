import GraphIR
import Planning

/// A choice of experts and the route that follows from it, both in one layer: what libraries count,
/// record and replay.
struct Router {
  /// The scope below the layer's own: `mixture`.
  var scope: String
  var experts: Axis

  /// The capacity factor; nil: no token is dropped.
  var capacity: Double?

  /// The chosen experts, [B, T, K].
  var choice: Operand

  /// Their rows, [B, T, K], -1 where dropped.
  var slot: Operand

  /// The weights of the choice, [B, T, K]; nil if nothing combines by them.
  var weights: Operand?

  /// Choices of a token: K.
  var choices: Axis { choice.type.axes.last ?? Axis(constant: 1) }
}

extension Layer {
  /// The routers of a layer in the order of its calls. Choices of another layer are not among them.
  var routers: [Router] {
    var chosen: Set<Place> = []
    return forward.compactMap { call in
      if case .op(.top) = call.action, let choice = call.results[1] { chosen.insert(choice.place) }
      guard case .op(.route(let route)) = call.action, let slot = call.results[2],
        chosen.remove(call.inputs[0].place) != nil, call.inputs[0].isReadable, slot.isReadable
      else { return nil }
      return Router(
        scope: call.scope, experts: route.experts, capacity: route.capacity,
        choice: call.inputs[0], slot: slot,
        weights: weights(of: slot) ?? weights(ofChoice: call.inputs[0]))
    }
  }

  private func weights(of slot: Operand) -> Operand? {
    let combine = forward.first { call in
      if case .op(.combine) = call.action { call.inputs[2].place == slot.place } else { false }
    }
    return combine.map { $0.inputs[1] }.flatMap { $0.isReadable ? $0 : nil }
  }

  /// The softmax of the chosen logits, by which other layers combine that share the routing.
  private func weights(ofChoice choice: Operand) -> Operand? {
    let top = forward.first { call in
      if case .op(.top) = call.action { call.results[1]?.place == choice.place } else { false }
    }
    guard let values = top?.results[0] else { return nil }
    let softmax = forward.first { call in
      if case .op(.softmax) = call.action { call.inputs[0].place == values.place } else { false }
    }
    return softmax?.results[0].flatMap { $0.isReadable ? $0 : nil }
  }

  /// Whether a call is the choice of one of the routers.
  func isRouter(_ call: Call) -> Bool {
    guard case .op(.top) = call.action, let choice = call.results[1] else { return false }
    return routers.contains { $0.choice.place == choice.place }
  }
}

extension Operand {
  /// Whether the value is still there when its layer's function has returned.
  fileprivate var isReadable: Bool {
    switch place {
    case .saved, .argument: true
    case .source, .parameter, .gradient, .borrowed, .scratch: false
    }
  }

  /// Where the value is, for the use `use` of a layer and its saved buffers `s`.
  func expression(use: String) -> String {
    if case .argument = place { return "\(use)->\(CNames.identifier(name))" }
    return "s->\(CNames.field(name))"
  }
}

extension Plan {
  /// All routers in forward order, by their paths in the model: `block.3.mixture`.
  var routers: [(name: String, router: Router)] {
    uses.flatMap { use in
      layers[use.layer].routers.map { router in
        let path = [use.scope, router.scope].filter { !$0.isEmpty }.joined(separator: ".")
        return (path.isEmpty ? "router" : path, router)
      }
    }
  }

  /// Index among all routers of the first of each use of a layer; 0 for layers that have none.
  func firstRouters(ofLayer layer: Int) -> [Int] {
    let counts = layers.map(\.routers.count)
    if counts[layer] == 0 { return uses.filter { $0.layer == layer }.map { _ in 0 } }
    var next = 0
    return uses.compactMap { use in
      defer { next += counts[use.layer] }
      return use.layer == layer ? next : nil
    }
  }
}
