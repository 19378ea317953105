import GraphIR
import Planning

/// What `model.c` tells of each layer once, and of its uses by formulas.
extension ModelFile {
  /// Parameters and routers of the layers, paths of uses, and the function that lists all of them.
  var tables: [String] {
    parameterTables.filter(\.hasRows).map(\.text) + routerTables.filter(\.hasRows).map(\.text)
      + layouts.indices.filter(namesUses).compactMap { UseScopes(layouts[$0]).table } + [list]
  }

  /// Whether anything is told by the paths of a layer's uses: a layer without parameters and routers, of which a
  /// library of --inference looks at nothing, has nothing to tell.
  private func namesUses(_ layer: Int) -> Bool {
    parameterTables[layer].namesUses || routerTables[layer].hasRows
      || groups.contains { $0.layer == layer && !checked($0).isEmpty }
  }

  private var parameterTables: [ParameterTable] {
    layouts.map { ParameterTable($0, of: context) }
  }

  private var routerTables: [RouterTable] { layouts.map(RouterTable.init) }

  private var list: String {
    let (parameters, routers) = (parameterTables, routerTables)
    let lines = groups.flatMap { group -> [String] in
      let calls =
        (parameters[group.layer].hasRows ? [parameters[group.layer].call] : [])
        + (routers[group.layer].hasRows ? [routers[group.layer].call] : [])
      if calls.isEmpty { return [] }
      let last = group.first + group.count
      if layouts[group.layer].uses.count == 1 { return calls }
      return ["for (int l = \(group.first); l < \(last); l++) {"] + calls.map { "    " + $0 } + [
        "}"
      ]
    }
    let start =
      ["model_parameter *q = tables->parameter;"] + firstPlaces
      + (context.hasRouters ? ["model_router *r = tables->router;"] : [])
    let body = start + lines + ["(void)q;"] + (context.hasRouters ? ["(void)r;"] : [])
    return """
      // Lists the parameters of all uses, in the order in which they lie, and their routers.
      void model_list(model_tables *tables, char *arena) {
      \(body.map { "    " + $0 }.joined(separator: "\n"))
      }
      """
  }

  /// Where the first parameter has everything; those of all others follow.
  private var firstPlaces: [String] {
    let places = [
      ("value", "arena"), ("gradient", "(arena + ARENA_GRADIENTS)"),
      ("first", "(arena + ARENA_FIRST)"), ("second", "(arena + ARENA_SECOND)"),
      ("steps", "(arena + ARENA_STEPS)"),
    ]
    let states = context.hasStates ? [("next", "(arena + ARENA_NEXT)")] : []
    return (places + states).map { "q->\($0) = (float *)\($1);" }
  }

  func bind(_ uses: [UseBinding]) -> String {
    let blocks = (uses.flatMap(\.lines) + stateBindings).map { "    " + $0 }
    let bases = laneBases.map { "    " + $0 }
    return """
      // Points everything at its place in the arena; what a pass writes, at that of a lane.
      void model_bind(moec_model *m, char *arena, int lane) {
      \(bases.joined(separator: "\n"))
          m->gradient = (float *)(arena + ARENA_GRADIENTS);\(nextStates)
          m->tokens = (int32_t *)(arena + ARENA_TOKENS);
          m->targets = (int32_t *)(arena + ARENA_TARGETS);
          m->positions = (int32_t *)(arena + ARENA_POSITIONS);
          for (int i = 0; i < MODEL_PARAMETERS; i++) { m->decays[i] = m->parameter[i].row.holds & DECAYS; }
      \(blocks.joined(separator: "\n"))
      }
      """
  }

  private var nextStates: String {
    context.hasStates ? "\n    m->next = (float *)(arena + ARENA_NEXT);" : ""
  }

  /// Where a lane's parts of the arena begin, as far as the model has them.
  private var laneBases: [String] {
    var lines: [String] = []
    if plan.lanes.savedBytes > 0 {
      lines.append("char *saved = arena + (size_t)lane * LANE_SAVED;")
    }
    if layouts.contains(where: \.hasScratch) {
      lines.append("char *scratch = arena + ARENA_SCRATCH + (size_t)lane * LANE_SCRATCH;")
    }
    return lines.isEmpty ? ["(void)lane;"] : lines
  }
}
