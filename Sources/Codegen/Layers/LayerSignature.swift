import GraphIR
import Lowering
import Planning

/// What a layer's forward or backward function is given, or one for a run of its calls: just what the
/// calls read and write.
struct LayerSignature {
  enum Part: Hashable {
    case argument(Int)
    case parameters
    case gradients
    case updates
    case borrowed(Int)
    case saved
    case scratch
    case pass
    case stream
  }

  let layer: Layer
  let phase: Phase
  let parts: [Part]
  let calls: [Call]
  let functionName: String
  var arguments: [Argument] { phase == .forward ? layer.forwardArguments : layer.backwardArguments }

  /// - Parameter run: what the function of a run of its own is called besides, and its calls; nil: all.
  init(
    _ layer: Layer, _ phase: Phase, of plan: Plan, run: (name: String, calls: Range<Int>)? = nil
  ) {
    self.layer = layer
    self.phase = phase
    let all = phase == .forward ? layer.forward : layer.backward
    let calls = run.map { Array(all[$0.calls]) } ?? all
    self.calls = calls
    functionName = "\(layer.name)_\(phase.rawValue)" + (run.map { "_sequences" + $0.name } ?? "")
    let operands = calls.flatMap(\.operands)
    let places = operands.map(\.place)
    let count = phase == .forward ? layer.forwardArguments.count : layer.backwardArguments.count
    var parts = (0..<count).filter { run == nil || places.contains(.argument($0)) }
      .map(Part.argument)
    if places.contains(where: { if case .parameter = $0 { true } else { false } }) {
      parts.append(.parameters)
    }
    if places.contains(where: { if case .gradient = $0 { true } else { false } }) {
      parts.append(.gradients)
    }
    if calls.contains(where: { $0.updates != nil }) { parts.append(.updates) }
    for index in layer.borrowed.indices where places.contains(.borrowed(index)) {
      parts.append(.borrowed(index))
    }
    if places.contains(where: { if case .saved = $0 { true } else { false } }) {
      parts.append(.saved)
    }
    if places.contains(where: { if case .scratch = $0 { true } else { false } }) {
      parts.append(.scratch)
    }
    let usesStream = calls.contains(where: \.isRandom)
    let usesPass =
      usesStream || places.contains { if case .source = $0 { true } else { false } }
      || Self.usesRows(calls, plan.sequences, plan.positions)
      || calls.contains { layer.isRouter($0) || $0.isForLoss }
    if usesPass { parts.append(.pass) }
    if usesStream { parts.append(.stream) }
    self.parts = parts
  }

  /// Whether any size of any call depends on the pass.
  static func usesRows(_ calls: [Call], _ axes: Axis...) -> Bool {
    let symbols = Set(axes.flatMap(\.symbols))
    return calls.contains { call in
      call.operands.contains { operand in
        operand.type.axes.contains { !symbols.isDisjoint(with: $0.symbols) }
      }
    }
  }

  /// The declared arguments.
  var declarations: [String] {
    parts.map { part in
      switch part {
      case .argument(let index):
        let argument = arguments[index]
        let type = CNames.element(argument.type) + " *" + CNames.identifier(argument.name)
        return argument.isWritten ? type : "const " + type
      case .parameters: return "const \(layer.name)_params *p"
      case .gradients: return "const \(layer.name)_params *g"
      case .updates: return "const \(layer.name)_updates *u"
      case .borrowed(let index):
        return "const float *\(CNames.identifier(layer.borrowed[index].field))"
      case .saved: return "const \(layer.name)_saved *s"
      case .scratch: return "const \(layer.name)_scratch *t"
      case .pass: return "const model_pass *pass"
      case .stream: return "int stream"
      }
    }
  }

  /// The names of the declared arguments.
  var names: [String] {
    parts.map { part in
      switch part {
      case .argument(let index): CNames.identifier(arguments[index].name)
      case .parameters: "p"
      case .gradients: "g"
      case .updates: "u"
      case .borrowed(let index): CNames.identifier(layer.borrowed[index].field)
      case .saved: "s"
      case .scratch: "t"
      case .pass: "pass"
      case .stream: "stream"
      }
    }
  }

  /// The function's head, ending in `ending`.
  func head(_ ending: String) -> String {
    PointwiseFunction.wrapped("void \(functionName)(", declarations, ")\(ending)")
      .joined(separator: "\n")
  }
}

extension Call {
  /// Whether the call draws random numbers.
  var isRandom: Bool { !kernel.streams.isEmpty }
}
