import CKernels
import GraphIR
import Planning

/// `routes.c`: what the routers chose, kept of the last pass, counted over many, and replayed.
struct RoutesFile {
  static let path = "routes.c"
  let context: Context

  /// The file; nil for a model that routes nothing.
  var file: GeneratedFile? {
    if !context.hasRouters { return nil }
    let head = context.heading(Self.path) + "\n//\n"
    return GeneratedFile(
      path: Self.path, text: head + context.runtime.resolved(runtime_routes_c()))
  }

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
  static func declarations(_ plan: Plan) -> String {
    let routers = plan.routers.map(\.router)
    let experts = routers.reduce(0) { $0 + $1.experts.size }
    let choices = routers.reduce(0) { $0 + $1.choices.size }
    return """
      // ---- routers -----------------------------------------------------------------------------

      enum { MODEL_ROUTERS = \(routers.count), MODEL_EXPERTS = \(experts), MODEL_CHOICES = MODEL_BATCH * MODEL_CONTEXT * \(choices) };

      // A router: its experts, the choices of a token, and how many of each the routers before it have.
      typedef struct {
          const char *name;
          int experts, choices, first_expert, first_choice;
      } model_router;

      extern const model_router model_routers[MODEL_ROUTERS];

      // What an expert was given: pairs that chose it, pairs that it kept, the sum of all their weights.
      typedef struct {
          uint64_t chosen, kept;
          double weight;
      } model_load;

      // What the routers chose, router after router, [tokens, choices] each.
      typedef struct {
          int tokens;                         // of the last pass
          int32_t expert[MODEL_CHOICES];
          int32_t row[MODEL_CHOICES];         // among the experts' rows; -1 where dropped
          float weight[MODEL_CHOICES];
          int32_t replay[MODEL_CHOICES];      // the experts that the next pass takes
          model_load load[2][MODEL_EXPERTS];  // counted in evaluation, in training
      } model_routes;

      struct moec_model;

      // Gives a layer's router the experts to take; keeps what it chose; counts what all chose in the last pass.
      void routes_take(const struct moec_model *m, int router, int32_t *chosen);
      void routes_keep(struct moec_model *m, int router, const int32_t *chosen, const int32_t *slot,
                       const float *weights, const model_pass *pass);
      void routes_count(struct moec_model *m, const model_pass *pass);

      // Whether a pass of so many tokens cannot take the experts that it is to take; they are forgotten then.
      int routes_misfit(struct moec_model *m, int tokens);
      """
  }
}
