import GraphIR
import Planning
import Words

/// `model.c`: what is this model's own: where everything lies, and how the layers connect.
struct ModelFile {
  let context: Context
  var plan: Plan { context.plan }

  init(_ context: Context) { self.context = context }

  var file: GeneratedFile {
    var parts = [heading, includes, parameters]
    parts += layouts.map(LayerBinding.init).flatMap(\.functions)
    parts +=
      [places, bind] + (hasUpdates ? [bindUpdates] : []) + layouts.compactMap(\.savedFunction)
    parts += [forward, backward, results]
    return GeneratedFile(path: "model.c", text: parts.joined(separator: "\n\n") + "\n")
  }

  var layouts: [LayerUseLayout] { context.layouts }

  private var heading: String {
    let counts = plan.learnedParameters.reduce(0) { $0 + $1.type.count }
    return """
      \(context.heading("model.c"))
      //
      // \(context.name): \(counts.grouped) parameters, \(plan.activeParameters.grouped) of them active for a token.
      // Memory: \(plan.memory.total.grouped) bytes in one arena; plan.txt shows every buffer, graph.txt every op.
      \(generationLines.map(CNames.comment).joined(separator: "\n"))
      //
      // To build the library from this folder:
      //
      \(CNames.comment("  " + context.options.compilerLine))
      """
  }

  private var includes: String {
    """
    #include "interface.h"
    """
  }
}

extension ModelFile {
  private var parameters: String {
    let rows = plan.parameters.map { parameter in
      "    \(Self.row(parameter)),"
    }
    let note =
      "    // name, stack, outputs, inputs, panels, offset, stored, steps, first, learns, decays, in backward, distribution, scale"
    // C has no empty arrays; a model without parameters still gets its one table.
    return (["const model_parameter model_parameters[MODEL_PARAMETERS] = {", note] + rows + ["};"])
      .joined(separator: "\n")
  }

  private static func row(_ parameter: PlannedParameter) -> String {
    let (stack, outputs, inputs, panels) = matrix(parameter)
    let (distribution, scale) = initial(parameter.initializer)
    let numbers = [
      stack, outputs, inputs, panels, parameter.offset,
      parameter.layout.storedCount(parameter.type.count), parameter.stepCount,
      parameter.stepOffset, parameter.hasGradient ? 1 : 0, parameter.decays ? 1 : 0,
      parameter.isUpdatedInBackward ? 1 : 0, distribution,
    ]
    let texts = [CNames.literal(parameter.name)] + numbers.map(String.init) + [CNames.float(scale)]
    return "{" + texts.joined(separator: ", ") + "}"
  }

  private static func matrix(_ parameter: PlannedParameter) -> (Int, Int, Int, Int) {
    switch parameter.layout {
    case .rowMajor: (1, parameter.type.rows, parameter.type.width, 0)
    case .panels(let stack, let outputs, let inputs): (stack, outputs, inputs, 1)
    }
  }

  private static func initial(_ initializer: Initializer) -> (Int, Double) {
    switch initializer.distribution {
    case .constant(let value): (0, value)
    case .normal(let deviation): (1, deviation)
    case .uniform(let bound): (2, bound)
    }
  }

  /// For every use: first parameter, first stream, and the places of its buffers and of what it borrows.
  private var places: String {
    layouts.enumerated().map { index, layout in
      let connections = layout.connections
      let names =
        connections.map { CNames.identifier($0.name) }
        + layout.layer.borrowed.map { CNames.identifier($0.field) }
      let routers = layout.hasRouters ? plan.firstRouters(ofLayer: index) : nil
      let fields = (layout.hasSaved ? ["saved"] : []) + names
      let rows = layout.uses.indices.map { use in
        let edges = connections.map { place(ofEdge: $0.edges[use]) }
        let borrowed = layout.uses[use].borrowed.map { 4 * plan.parameters[$0].offset }
        let saved = layout.hasSaved ? [plan.regions.saved + layout.uses[use].savedOffset] : []
        let numbers =
          [layout.uses[use].firstParameter, layout.uses[use].firstStream]
          + (routers.map { [$0[use]] } ?? []) + saved + edges + borrowed
        return "    {" + numbers.map(String.init).joined(separator: ", ") + "},"
      }
      let declared = fields.isEmpty ? "" : " size_t " + fields.joined(separator: ", ") + ";"
      return """
        // Where each use of \(layout.layer.name) has its parameters, random streams and buffers (in bytes).
        static const struct { int first, stream\(routers == nil ? "" : ", router");\(declared) } \(layout.layer.name)_places[] = {
        \(rows.joined(separator: "\n"))
        };
        """
    }.joined(separator: "\n\n")
  }

  private func place(ofEdge index: Int) -> Int {
    let edge = plan.edges[index]
    let region = edge.role == .activation ? plan.regions.saved : plan.regions.edgeGradients
    return region + edge.offset
  }

  private var bind: String {
    let blocks = layouts.flatMap(bindLines).map { "    " + $0 }
    let bases = laneBases.map { "    " + $0 }
    return """
      // Points everything at its place in the arena; what a pass writes, at that of a lane.
      void model_bind(moec_model *m, char *arena, int lane) {
      \(bases.joined(separator: "\n"))
          m->value = (float *)arena;
          m->gradient = (float *)(arena + ARENA_GRADIENTS);
          m->first = (float *)(arena + ARENA_FIRST);
          m->second = (float *)(arena + ARENA_SECOND);
          m->steps = (float *)(arena + ARENA_STEPS);
          m->tokens = (int32_t *)(arena + ARENA_TOKENS);
          m->targets = (int32_t *)(arena + ARENA_TARGETS);
          m->positions = (int32_t *)(arena + ARENA_POSITIONS);
          m->sum = (float *)(arena + ARENA_SUMS);
          for (int i = 0; i < MODEL_PARAMETERS; i++) { m->decays[i] = model_parameters[i].decays; }
      \(blocks.joined(separator: "\n"))
      }
      """
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

  private func bindLines(_ layout: LayerUseLayout) -> [String] {
    let name = layout.layer.name
    var lines = [
      "for (int l = 0; l < \(layout.uses.count); l++) {", "    \(name)_use *u = &m->\(name)[l];",
    ]
    if layout.hasParameters {
      lines.append("    \(name)_bind_params(&u->p, m->value, \(name)_places[l].first);")
      lines.append("    \(name)_bind_params(&u->g, m->gradient, \(name)_places[l].first);")
    }
    if layout.hasSaved {
      // Lanes have the first use's, which serve all.
      let base = layout.uses.count > 1 ? "(l ? arena : saved)" : "saved"
      lines.append("    \(name)_bind_saved(&u->s, \(base) + \(name)_places[l].saved);")
    }
    lines += layout.connections.map { connection in
      let field = CNames.identifier(connection.name)
      let isActivation = plan.edges[connection.edges[0]].role == .activation
      return
        "    u->\(field) = (\(CNames.element(connection.type)) *)(\(isActivation ? "saved" : "arena") + \(name)_places[l].\(field));"
    }
    lines += layout.layer.borrowed.map { parameter in
      let field = CNames.identifier(parameter.field)
      return "    u->\(field) = (float *)(arena + \(name)_places[l].\(field));"
    }
    lines.append("    u->stream = \(name)_places[l].stream;")
    if layout.hasRouters { lines.append("    u->router = \(name)_places[l].router;") }
    lines += layout.layer.parameters.enumerated().compactMap { index, parameter in
      layout.place(ofStart: parameter).map {
        "    m->start[\(name)_places[l].first + \(index)] = u->\($0);"
      }
    }
    lines.append("}")
    if layout.hasScratch {
      lines.append("\(name)_bind_scratch(&m->\(name)_t, scratch);")
    }
    return lines
  }
}

extension ModelFile {
  private var forward: String {
    """
    // Runs all layers; the loss is computed if the pass has targets.
    void model_forward(moec_model *m, const model_pass *pass) {
    \(runs(.forward))
    }
    """
  }

  private var backward: String {
    """
    // Gradients of all parameters, layer by layer in reverse.
    void model_backward(moec_model *m, const model_pass *pass) {
    \(runs(.backward))
    }
    """
  }

  /// Calls of all layers; neighbouring uses of one layer are a loop.
  private func runs(_ phase: Phase) -> String {
    var groups: [(layer: Int, first: Int, count: Int)] = []
    for use in plan.uses {
      if let last = groups.last, last.layer == use.layer, last.first + last.count == use.instance {
        groups[groups.count - 1].count += 1
      } else {
        groups.append((use.layer, use.instance, 1))
      }
    }
    if phase == .backward { groups.reverse() }
    let lines = groups.flatMap { run($0, phase) }
    let mentionsPass = lines.contains { $0.contains("pass") }
    return ((mentionsPass ? [] : ["    (void)pass;"]) + lines).joined(separator: "\n")
  }

  private func run(_ group: (layer: Int, first: Int, count: Int), _ phase: Phase) -> [String] {
    let layout = layouts[group.layer]
    let signature = LayerSignature(layout.layer, phase, of: plan)
    if signature.calls.isEmpty { return [] }
    let name = layout.layer.name
    var call = PointwiseFunction.wrapped(
      "\(signature.functionName)(", layout.arguments(signature), ");")
    if phase == .forward { call = RoutesFile.wrapped(call, layout) }
    if group.count == 1 {
      let place = "    \(name)_use *\(name) = &m->\(name)[\(group.first)];"
      let isAlone = layout.uses.count == 1 && (phase == .backward || !layout.hasRouters)
      let lines = [place] + call.map { "    " + $0 }
      return isAlone ? lines : ["    {"] + lines.map { "    " + $0 } + ["    }"]
    }
    let last = group.first + group.count - 1
    let loop =
      phase == .forward
      ? "for (int l = \(group.first); l <= \(last); l++) {"
      : "for (int l = \(last); l >= \(group.first); l--) {"
    return ["    \(loop)", "        \(name)_use *\(name) = &m->\(name)[l];"]
      + call.map { "        " + $0 } + ["    }"]
  }
}
