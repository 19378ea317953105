import GraphIR
import Planning
import Words

/// The fields of a layer's `…_use` struct: one use's parameters, saved buffers and neighbours.
struct LayerUseLayout {
  let layer: Layer
  let uses: [LayerUse]

  /// What passes of generation leave for the next ones.
  let kept: KeyValueCache.Rows

  /// The saved buffers that each use has of its own, and where from the start of what it has; whether the library
  /// learns nothing.
  let own: [Int: Int]
  let infers: Bool

  /// Whether backward runs forward again, where uses share saved buffers.
  let recomputes: Bool

  var hasParameters: Bool { !layer.parameters.isEmpty }
  var hasGradients: Bool { layer.parameters.contains { $0.update.isLearned } }
  var hasUpdates: Bool { layer.parameters.contains { $0.update == .adamWInBackward } }
  var hasSaved: Bool { !layer.saved.isEmpty }
  /// Whether uses but the first have some saved buffers of their own, and the others are the first one's.
  var sharesSaved: Bool { recomputes && uses.count > 1 && own.count < layer.saved.count }
  var hasScratch: Bool { !layer.forwardScratch.isEmpty || !layer.backwardScratch.isEmpty }

  var hasRouters: Bool { !layer.routers.isEmpty }

  /// What connects a use to others, each once: (name, type, edge of each use).
  var connections: [(name: String, type: TensorType, edges: [Int])] {
    var found: [(name: String, type: TensorType, edges: [Int])] = []
    for (index, argument) in layer.forwardArguments.enumerated() {
      found.append((argument.name, argument.type, uses.map { $0.forwardEdges[index] }))
    }
    for (index, argument) in layer.backwardArguments.enumerated()
    where !found.contains(where: { $0.name == argument.name }) {
      found.append((argument.name, argument.type, uses.map { $0.backwardEdges[index] }))
    }
    return found
  }

  /// The field of a use, or of its saved buffers, that tells which experts of a parameter had rows.
  func place(ofStart parameter: LayerParameter) -> String? {
    switch parameter.start {
    case .saved(let index): "s.\(CNames.field(layer.saved[index].name))"
    case .argument(let index): CNames.identifier(layer.forwardArguments[index].name)
    case nil: nil
    }
  }

  /// The declaration of the struct.
  var declaration: String {
    var lines: [String] = []
    if hasParameters {
      lines.append("    \(layer.name)_params p, g;".padded(to: 44) + "// parameters, gradients")
    }
    if hasUpdates { lines.append("    \(layer.name)_updates u;") }
    if hasSaved {
      let field = "    \(layer.name)_saved s"
      let note = infers ? "// of its own, of a pass" : "// of training, of generation"
      lines.append(keepsSaved ? "\(field), e;".padded(to: 44) + note : "\(field);")
    }
    lines += connections.map { connection in
      "    \(CNames.element(connection.type)) *\(CNames.identifier(connection.name));".padded(
        to: 44)
        + "// \(CNames.shape(connection.type))"
    }
    lines += layer.borrowed.map {
      "    const float *\(CNames.identifier($0.field));".padded(to: 44)
        + "// another layer's parameter"
    }
    lines.append("    int stream;".padded(to: 44) + "// its first random stream")
    if hasRouters { lines.append("    int router;".padded(to: 44) + "// its first router") }
    return
      (["// One use of \(layer.name), and what connects it to its neighbours.", "typedef struct {"]
      + lines + ["} \(layer.name)_use;"]).joined(separator: "\n")
  }

  /// The saved buffers that a forward pass writes.
  var forwardSaved: CExpression {
    let u = layer.name
    if keepsSaved { return "\(u)_saved_in(m, \(u), \(CExpression.pass))" }
    if infers { return "&m->layers->\(u)[0].s" }
    return uses.count > 1
      ? "\(CExpression.pass)->training ? &\(u)->s : &m->layers->\(u)[0].s" : "&\(u)->s"
  }

  /// The arguments of a call for the use `u`; evaluation keeps nothing, so all uses share the first's
  /// saved buffers then.
  /// With `first`: what is for each position of the pass from that one on, but for what is written. With `again`:
  /// those of a forward that is run again for backward.
  func arguments(
    _ signature: LayerSignature, from first: CExpression? = nil, again: Bool = false
  ) -> [CExpression] {
    let u = layer.name
    return signature.parts.map { part in
      switch part {
      case .argument(let index):
        // Where rows are kept, the pass begins at that position.
        if let first, !signature.arguments[index].isWritten, !kept.arguments.contains(index) {
          "\(argument(index, signature)) + (size_t)\(first)*\(Self.row(signature.arguments[index].type))"
        } else {
          argument(index, signature)
        }
      case .parameters: "&\(u)->p"
      case .gradients: "&\(u)->g"
      case .updates: "&\(u)->u"
      case .borrowed(let index): "\(u)->\(CNames.identifier(layer.borrowed[index].field))"
      case .saved:
        signature.phase == .forward && !again ? hasRouters ? "s" : forwardSaved : "&\(u)->s"
      case .scratch: "&m->layers->\(layer.name)_t"
      case .pass: .pass
      case .stream: "\(u)->stream"
      }
    }
  }

  /// An argument of a call; of one whose rows are kept, the row at which the pass begins.
  private func argument(_ index: Int, _ signature: LayerSignature) -> CExpression {
    let argument = signature.arguments[index]
    let place: CExpression = "\(layer.name)->\(CNames.identifier(argument.name))"
    guard signature.phase == .forward, kept.arguments.contains(index) else { return place }
    return "\(place) + (size_t)\(CExpression.pass)->past*\(Self.row(argument.type))"
  }

  /// The size of what a tensor [B, T, ...] holds of one position.
  static func row(_ type: TensorType) -> CExpression { CNames.product(type.axes.dropFirst(2)) }
}
