import CKernels
import GraphIR
import Planning

/// What a model's own C says of `routes.c`: its table of routers, and calls around those of layers.
struct RoutesFile {
  let context: Context

  /// The rows of the table of routers.
  static func rows(_ routers: [(String, Router)]) -> [String] {
    var (experts, choices) = (0, 0)
    return routers.map { name, router in
      let (e, k) = (router.experts.size, router.choices.size)
      defer { (experts, choices) = (experts + e, choices + k) }
      return "{\(CNames.literal(name)), \(e), \(k), \(experts), \(choices)},"
    }
  }
}

extension RoutesFile {
  /// A layer's forward call, in lines, between what its routers are given and what they tell.
  static func wrapped(_ call: [String], _ layout: LayerUseLayout) -> [String] {
    let (layer, routers) = (layout.layer, layout.layer.routers)
    if routers.isEmpty { return call }
    let use = layer.name
    var (before, after): ([String], [String]) = ([], [])
    if layout.hasSaved { before.append("const \(layer.name)_saved *s = \(layout.forwardSaved);") }
    for (index, router) in routers.enumerated() {
      let number = "\(use)->router" + (index == 0 ? "" : " + \(index)")
      let choice = router.choice.expression(use: use)
      let weights = router.weights?.expression(use: use) ?? "NULL"
      before.append("if (pass->replays) { routes_take(m, \(number), \(choice)); }")
      after += PointwiseFunction.wrapped(
        "routes_keep(",
        ["m", number, choice, router.slot.expression(use: use), weights, "pass"], ");")
    }
    return before + call + after
  }

  /// What `model.h` says of routers: constants, the table, and the functions of `routes.c`.
  var declarations: String { String(context.runtime.resolved(runtime_routes_h()).dropLast()) }
}
