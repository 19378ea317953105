import CKernels
import GraphIR
import Planning

/// What a model's own C says of `routes.c`: its table of routers, and calls around those of layers.
struct RoutesFile {
  let context: Context
}

extension RoutesFile {
  /// A layer's forward call between what its routers are given and what they tell.
  static func wrapped(_ call: Statement, _ layout: LayerUseLayout) -> Statement {
    let (layer, routers) = (layout.layer, layout.layer.routers)
    let (use, pass) = (layer.name, CExpression.pass)
    var (before, after): ([Statement], [Statement]) = ([], [])
    if layout.hasSaved, !routers.isEmpty {
      before.append(Statement("const \(layer.name)_saved *s = \(layout.forwardSaved);"))
    }
    for (index, router) in routers.enumerated() {
      let number = "\(use)->router" + (index == 0 ? "" : " + \(index)")
      let choice = router.choice.expression(use: use)
      let weights = router.weights?.expression(use: use) ?? "NULL"
      before.append(
        Statement("if (\(pass)->replays) { routes_take(m, \(number), \(choice)); }"))
      let slot = router.slot.expression(use: use)
      after.append(
        Statement(
          calling: "routes_keep",
          ["m", "\(number)", "\(choice)", "\(slot)", "\(weights)", pass]))
    }
    return Statement(before + [call] + after)
  }

  /// What `model.h` says of routers: constants, the table, and the functions of `routes.c`.
  var declarations: String { String(context.runtime.resolved(runtime_routes_h()).dropLast()) }
}
