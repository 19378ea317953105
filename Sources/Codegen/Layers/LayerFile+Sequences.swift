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
  func sharedRegion(_ calls: [Call], _ number: Int, _ phase: Phase) -> [String] {
    let lines = body(calls) { emitter(for: nil, share: "shares[\($0)]") }
    let most = runs(phase).filter { $0.run.kind == .together }.map(\.run.calls.count).max() ?? 0
    return [
      "    // Nothing here reads what another call makes: threads go on without waiting for each other."
    ] + (number == 0 ? ["    work_shares shares[\(most)];"] : []) + [
      "    deal_shares(shares, \(calls.count));", "    #pragma omp parallel", "    {",
    ] + lines.map { $0.isEmpty ? $0 : "    " + $0 } + ["    }"]
  }

  func signature(_ phase: Phase, _ run: CallRun, _ number: Int) -> LayerSignature {
    // Further ones of a phase are told apart by a letter each.
    let name =
      number == 0
      ? ""
      : "_" + String(repeating: "z", count: (number - 1) / 25)
        + String(UnicodeScalar(UInt8(ascii: "b") + UInt8((number - 1) % 25)))
    return LayerSignature(layer, phase, of: context.plan, run: (name, run.calls))
  }

  /// What `model.h` says of the functions that the layer's own call.
  var ownFunctions: [String] {
    let sequences = [Phase.forward, .backward].flatMap { phase in
      runs(phase).filter { $0.run.kind == .bySequence }
        .map { signature(phase, $0.run, $0.number).head(";") }
    }
    if sequences.isEmpty { return [] }
    return [
      "", "// The same for a thread's own sequences, and the buffers from the first of these on.",
    ]
      + sequences + parts.filter { hasPart($0.part) }.map { partHead($0.name, $0.variable, ");") }
  }

  /// The functions of a phase's runs by sequence.
  func sequenceFunctions(_ phase: Phase) -> [String] {
    runs(phase).filter { $0.run.kind == .bySequence }.map { run, number in
      let signature = signature(phase, run, number)
      let comment = "// \(layer.name)_\(phase.rawValue) of a thread's own sequences."
      return function(signature, [comment]) { body(signature.calls) { _ in emitter(for: batch) } }
    }
  }

  /// The parallel region in which every thread calls a run's function.
  func sequenceRegion(_ signature: LayerSignature) -> [String] {
    let parts = parts.filter { signature.parts.contains($0.part) && hasPart($0.part) }
    let call = PointwiseFunction.wrapped(
      "    \(signature.functionName)(", signature.parts.map { given($0, signature) }, ");")
    return [
      "// Every thread takes sequences of its own through all that keeps them apart.",
      "#pragma omp parallel if (pass_divides(pass))", "{",
      "    const model_pass own = pass_part(pass);",
    ]
      + parts.map { _, part, variable in
        "    const \(layer.name)_\(part) own_\(variable) = \(layer.name)_\(part)_part(\(variable), &own);"
      }
      + call + ["}"]
  }

  private func given(_ part: LayerSignature.Part, _ signature: LayerSignature) -> String {
    switch part {
    case .argument(let index):
      let argument = signature.arguments[index]
      let name = CNames.identifier(argument.name)
      guard argument.type.leads(with: batch) else { return name }
      return "\(name) + (size_t)own.first*\(CNames.product(argument.type.axes.dropFirst()))"
    case .parameters: return "p"
    case .gradients: return "g"
    case .updates: return "u"
    case .borrowed(let index): return CNames.identifier(layer.borrowed[index].field)
    case .saved: return hasPart(.saved) ? "&own_s" : "s"
    case .scratch: return hasPart(.scratch) ? "&own_t" : "t"
    case .pass: return "&own"
    case .stream: return "stream"
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
    return PointwiseFunction.wrapped(
      "\(type) \(type)_part(", ["const \(type) *\(variable)", "const model_pass *own"], ending
    ).joined(separator: "\n")
  }

  /// Whether runs by sequence have anything of their own among a layer's buffers.
  private func hasPart(_ part: LayerSignature.Part) -> Bool { !partBuffers(part).isEmpty }

  /// The saved or scratch buffers that runs by sequence read or write sequence by sequence.
  private func partBuffers(_ part: LayerSignature.Part) -> [Buffer] {
    let operands = [Phase.forward, .backward].flatMap { phase in
      runs(phase).filter { $0.run.kind == .bySequence }
        .flatMap { signature(phase, $0.run, $0.number).calls }
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
    let lines = buffers.map { buffer in
      "    part.\(CNames.field(buffer.name)) += first*\(CNames.product(buffer.type.axes.dropFirst()));"
    }
    let sizes = lengthOfPass(lines)
    return
      ([
        "// The buffers from the first of a thread's own sequences on.",
        partHead(kind, variable, ") {"), "    \(type) part = *\(variable);",
        "    const size_t first = (size_t)own->first;",
      ] + sizes
      + lines + ["    return part;", "}"]).joined(separator: "\n")
  }

  private func lengthOfPass(_ lines: [String]) -> [String] {
    let name = CNames.size(context.plan.positions)
    return Self.mentions(lines.joined(separator: "\n"), name)
      ? ["    const int \(name) = own->length;  // of this pass"] : []
  }
}
