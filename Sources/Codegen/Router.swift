import GraphIR
import Lowering
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
      if case .top = call.op, let choice = call.kernel.result(.choice) {
        chosen.insert(choice.place)
      }
      guard case .route(let route) = call.op, let slot = call.kernel.result(.slot),
        let choice = call[.choice], chosen.remove(choice.place) != nil, choice.isReadable,
        slot.isReadable
      else { return nil }
      return Router(
        scope: call.scope, experts: route.experts,
        capacity: route.capacity?.share(of: choice.type.count, among: route.experts.size),
        choice: choice, slot: slot, weights: weights(of: slot) ?? weights(ofChoice: choice))
    }
  }

  private func weights(of slot: Operand) -> Operand? {
    let combine = forward.first { $0.op?.kind == .combine && $0[.slot]?.place == slot.place }
    return combine?[.gates].flatMap { $0.isReadable ? $0 : nil }
  }

  /// The softmax of the chosen logits, by which other layers combine that share the routing.
  private func weights(ofChoice choice: Operand) -> Operand? {
    let top = forward.first {
      $0.op?.kind == .top && $0.kernel.result(.choice)?.place == choice.place
    }
    guard let values = top?.kernel.result(.output) else { return nil }
    let softmax = forward.first {
      $0.op?.kind == .softmax && $0[.operand]?.place == values.place
    }
    return softmax?.kernel.result(.output).flatMap { $0.isReadable ? $0 : nil }
  }

  /// Whether a call is the choice of one of the routers.
  func isRouter(_ call: Call) -> Bool {
    guard case .top = call.op, let choice = call.kernel.result(.choice) else { return false }
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

  /// Paths of all routers in the order in which libraries count their loads: `block.3.mixture`.
  public var routerNames: [String] { routers.map(\.name) }

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

extension Capacity {
  /// The factor of an even share of so many choices.
  fileprivate func share(of choices: Int, among experts: Int) -> Double {
    factor ?? Double(least * experts) / Double(max(choices, 1))
  }
}
