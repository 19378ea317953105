import GraphIR
import Planning
import Words

/// `model.c`: what is this model's own: where everything lies, and how the layers connect.
struct ModelFile {
  let context: Context
  private let layers: [LayerFile]
  var plan: Plan { context.plan }

  init(_ context: Context, _ layers: [LayerFile]) {
    (self.context, self.layers) = (context, layers)
  }

  var file: GeneratedFile {
    let uses = layouts.indices.map { UseBinding(layouts[$0], of: plan, at: $0) }
    var parts = [heading, includes, layersStruct, arena] + tables
    parts += uses.flatMap(\.tables)
    parts += [bind(uses)] + (hasUpdates ? [bindUpdates(uses)] : [])
    parts += layouts.compactMap(\.savedFunction)
    parts += [forward] + (plan.head.map { [head($0)] } ?? []) + [backward, results]
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
    (layouts.map(\.layer.name) + ["interface"]).map { "#include \"\($0).h\"" }
      .joined(separator: "\n")
  }
}

extension ModelFile {
  private var forward: String {
    let note =
      plan.head != nil
      ? "Runs all layers but the last, which makes the logits."
      : plan.infers
        ? "Runs all layers." : "Runs all layers; the loss is computed if the pass has targets."
    return """
      // \(note)
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

  /// Neighbouring uses of one layer, in forward order.
  var groups: [(layer: Int, first: Int, count: Int)] {
    var groups: [(layer: Int, first: Int, count: Int)] = []
    for use in plan.uses {
      if let last = groups.last, last.layer == use.layer, last.first + last.count == use.instance {
        groups[groups.count - 1].count += 1
      } else {
        groups.append((use.layer, use.instance, 1))
      }
    }
    return groups
  }

  /// Calls of all layers; neighbouring uses of one layer are a loop.
  private func runs(_ phase: Phase) -> String {
    var groups = self.groups
    if phase == .backward { groups.reverse() } else if plan.head != nil { groups.removeLast() }
    let statements = groups.flatMap { run($0, phase) }
    let isUnread = !statements.uses.contains(.given(.pass))
    // Each use is one of the model's; where nothing learns backward has none.
    let unread =
      (statements.isEmpty ? ["    (void)m;"] : []) + (isUnread ? ["    (void)pass;"] : [])
    return (unread + statements.indented.lines).joined(separator: "\n")
  }

  /// The last layer of a library that learns nothing, for some positions of a pass.
  private func head(_ use: LayerUse) -> String {
    let layout = layouts[use.layer]
    let name = layout.layer.name
    guard let signature = layers[use.layer].signature(.forward) else { return "" }
    let first = CExpression("first")
    let call = Statement(
      calling: signature.functionName, layout.arguments(signature, from: first))
    let statements: [Statement] = [
      Statement(lines: [
        "model_pass part = *whole;", "part.length = rows;", "part.tokens += first;",
        "part.positions += first;", "part.past += first;", "const model_pass *pass = &part;",
        "\(name)_use *\(name) = &m->layers->\(name)[0];",
      ]), call,
    ]
    let unread = call.uses.contains(.given(.pass)) ? [] : ["    (void)pass;"]
    return
      ([
        "// Makes the logits of `rows` positions of a pass from `first` on, at the start of their place.",
        "void model_head(moec_model *m, const model_pass *whole, int first, int rows) {",
      ]
      + statements.indented.lines + unread + ["}"]).joined(separator: "\n")
  }

  private func run(_ group: (layer: Int, first: Int, count: Int), _ phase: Phase) -> [Statement] {
    guard let signature = layers[group.layer].signature(phase) else { return [] }
    let layout = layouts[group.layer]
    let name = layout.layer.name
    var call = Statement(calling: signature.functionName, layout.arguments(signature))
    if phase == .forward { call = RoutesFile.wrapped(call, layout) }
    func statements(_ use: String, first: String) -> [Statement] {
      let layer = Statement(lines: ["\(name)_use *\(name) = &m->layers->\(name)[\(use)];"])
      // Where nobody reads what a layer makes, it may be given nothing of a use.
      if phase == .forward {
        return (signature.takesUse || layout.hasRouters ? [layer] : []) + [call]
      }
      let ready = Statement(lines: ["model_gradients_ready(m, \(first));"])
      let again = again(group, use)
      let own = signature.takesUse || !again.isEmpty ? [layer] : []
      return own + again + [call] + (layout.hasGradients ? [ready] : [])
    }
    if group.count == 1 {
      let isAlone = layout.uses.count == 1 && (phase == .backward || !layout.hasRouters)
      let alone = statements(
        "\(group.first)", first: "\(layout.uses[group.first].firstParameter)")
      return isAlone ? alone : Self.block("{", alone)
    }
    let last = group.first + group.count - 1
    let loop =
      phase == .forward
      ? "for (int l = \(group.first); l <= \(last); l++) {"
      : "for (int l = \(last); l >= \(group.first); l--) {"
    let binding = UseBinding(layout, of: plan, at: group.layer)
    return Self.block(loop, statements("l", first: "(int)(\(binding.first.expression))"))
  }

  /// Forward once more, of a use whose buffers others have used since.
  private func again(_ group: (layer: Int, first: Int, count: Int), _ use: String) -> [Statement] {
    let layout = layouts[group.layer]
    let last = layout.uses.count - 1
    guard layout.sharesSaved, group.first < last,
      let signature = layers[group.layer].signature(.forward)
    else { return [] }
    let call = Statement(
      calling: signature.functionName, layout.arguments(signature, again: true))
    if group.first + group.count <= last { return [call] }
    return Self.block("if (\(use) < \(last)) {", [call])
  }

  private static func block(_ opening: String, _ statements: [Statement]) -> [Statement] {
    [Statement(lines: [opening])] + statements.indented + [Statement(lines: ["}"])]
  }
}
