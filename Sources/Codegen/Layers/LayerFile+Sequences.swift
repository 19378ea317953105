import GraphIR
import Lowering
import Planning

/// The calls that keep sequences apart: a function of their own, which every thread calls for a part of
/// the batch, and what that function is given.
extension LayerFile {
  private var batch: Axis { context.plan.sequences }

  /// The calls of a phase as runs, each with its number among those of its kind.
  func runs(_ phase: Phase) -> [(run: CallRun, number: Int)] {
    var counts: [CallRun.Kind: Int] = [:]
    return layer.runs(phase).map { run in
      defer { counts[run.kind, default: 0] += 1 }
      return (run, counts[run.kind] ?? 0)
    }
  }

  /// The parallel region in which every thread takes shares of each call. The first of a function
  /// declares the shares, of as many calls as any of its regions makes.
  func sharedRegion(_ run: CallRun, _ number: Int, _ phase: Phase) -> [Statement] {
    let calls = body(run, phase) { emitter(for: nil, share: "shares[\($0)]") }
    let most = runs(phase).filter { $0.run.kind == .together }.map(\.run.calls.count).max() ?? 0
    let opening =
      [
        "// Nothing here reads what another call makes: threads go on without waiting for each other."
      ]
      + (number == 0 ? ["work_shares shares[\(most)];"] : [])
      + ["deal_shares(shares, \(run.calls.count));", "#pragma omp parallel", "{"]
    return [Statement(lines: opening)] + calls.indented + [Statement(lines: ["}"])]
  }

  /// The function of a run by sequence.
  func sequenceFunction(_ run: CallRun, _ number: Int, _ phase: Phase) -> LayerFunction {
    // Further ones of a phase are told apart by a letter each.
    let name =
      number == 0
      ? ""
      : "_" + String(repeating: "z", count: (number - 1) / 25)
        + String(UnicodeScalar(UInt8(ascii: "b") + UInt8((number - 1) % 25)))
    return LayerFunction(
      layer, phase, run: name,
      comment: "// \(layer.name)_\(phase.rawValue) of a thread's own sequences.",
      body(run, phase) { _ in emitter(for: batch) }.indented, sizes: passSizes)
  }

  /// What `model.h` says of the functions that the layer's own call.
  var ownFunctions: [String] {
    let sequences = (forward.dropFirst() + backward.dropFirst()).map { $0.signature.head(";") }
    if sequences.isEmpty { return [] }
    return [
      "", "// The same for a thread's own sequences, and the buffers from the first of these on.",
    ]
      + sequences + parts.filter { hasPart($0.part) }.map { partHead($0.name, $0.variable, ");") }
  }

  /// The parallel region in which every thread calls a run's function.
  func sequenceRegion(_ signature: LayerSignature) -> [Statement] {
    let parts = parts.filter { signature.parts.contains($0.part) && hasPart($0.part) }
    let pass = CExpression.pass
    let call = Statement(
      calling: "    \(signature.functionName)", signature.parts.map { given($0, signature) })
    return [
      Statement(lines: [
        "// Every thread takes sequences of its own through all that keeps them apart."
      ]),
      Statement("#pragma omp parallel if (pass_divides(\(pass)))"), Statement("{"),
      Statement("    const model_pass own = pass_part(\(pass));"),
    ]
      + parts.map { part, name, variable in
        let (type, given) = ("\(layer.name)_\(name)", signature.variable(part))
        return Statement("    const \(type) own_\(variable) = \(type)_part(\(given), &own);")
      }
      + [call, Statement("}")]
  }

  private func given(_ part: LayerSignature.Part, _ signature: LayerSignature) -> CExpression {
    let whole = signature.variable(part)
    switch part {
    case .argument(let index):
      let type = signature.arguments[index].type
      guard type.leads(with: batch) else { return whole }
      return "\(whole) + (size_t)own.first*\(CNames.product(type.axes.dropFirst()))"
    case .saved: return hasPart(.saved) ? "&own_s" : whole
    case .scratch: return hasPart(.scratch) ? "&own_t" : whole
    case .pass: return "&own"
    case .parameters, .gradients, .updates, .borrowed, .stream: return whole
    }
  }

  /// The functions that point a thread at its sequences' part of the buffers.
  var partFunctions: [String] {
    parts.filter { hasPart($0.part) }
      .map { partFunction($0.name, $0.variable, partBuffers($0.part)) }
  }

  private var parts: [(part: LayerSignature.Part, name: String, variable: String)] {
    [(.saved, "saved", "s"), (.scratch, "scratch", "t")]
  }

  private func partHead(_ kind: String, _ variable: String, _ ending: String) -> String {
    let type = "\(layer.name)_\(kind)"
    return CLines.wrapped(
      "\(type) \(type)_part(", ["const \(type) *\(variable)", "const model_pass *own"], ending
    ).joined(separator: "\n")
  }

  /// Whether runs by sequence have anything of their own among a layer's buffers.
  private func hasPart(_ part: LayerSignature.Part) -> Bool { !partBuffers(part).isEmpty }

  /// The saved or scratch buffers that runs by sequence read or write sequence by sequence.
  private func partBuffers(_ part: LayerSignature.Part) -> [Buffer] {
    let operands = [Phase.forward, .backward].flatMap { phase in
      layer.runs(phase).filter { $0.kind == .bySequence }.flatMap { layer.calls(phase)[$0.calls] }
    }.flatMap(\.operands).filter { $0.type.leads(with: batch) }
    let isSaved = part == .saved
    let names = Set(
      operands.filter { operand in
        switch operand.place {
        case .saved: isSaved
        case .scratch: !isSaved
        case .source, .parameter, .gradient, .borrowed, .argument: false
        }
      }.map(\.name))
    let buffers = isSaved ? layer.saved : layer.forwardScratch + layer.backwardScratch
    return buffers.filter { names.contains($0.name) && $0.type.leads(with: batch) }
  }

  private func partFunction(_ kind: String, _ variable: String, _ buffers: [Buffer]) -> String {
    let type = "\(layer.name)_\(kind)"
    let steps = buffers.map { buffer in
      Statement(
        "    part.\(CNames.field(buffer.name)) += first*\(CNames.product(buffer.type.axes.dropFirst()));"
      )
    }
    let length = CNames.size(context.plan.positions)
    let sizes =
      steps.uses.contains(.positions)
      ? ["    const int \(length.text) = own->length;  // of this pass"] : []
    return
      ([
        "// The buffers from the first of a thread's own sequences on.",
        partHead(kind, variable, ") {"), "    \(type) part = *\(variable);",
        "    const size_t first = (size_t)own->first;",
      ] + sizes
      + steps.lines + ["    return part;", "}"]).joined(separator: "\n")
  }
}
