import GraphIR
import Lowering
import Planning

/// What a layer's forward or backward function is given, or one for a run of its calls: just what its
/// statements use.
struct LayerSignature {
  enum Part: Hashable, Sendable {
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
  let functionName: String
  var arguments: [Argument] { phase == .forward ? layer.forwardArguments : layer.backwardArguments }

  /// - Parameter run: what the function of a run of its own is called besides; nil: it is the phase's.
  init(_ layer: Layer, _ phase: Phase, run: String? = nil, using uses: Set<CVariable>) {
    self.layer = layer
    self.phase = phase
<<<<<<< HEAD
    functionName = "\(layer.name)_\(phase.rawValue)" + (run.map { "_sequences" + $0 } ?? "")
    let arguments = phase == .forward ? layer.forwardArguments : layer.backwardArguments
    let all =
      arguments.indices.map(Part.argument) + [.parameters, .gradients, .updates]
      + layer.borrowed.indices.map(Part.borrowed) + [.saved, .scratch, .pass, .stream]
    parts = all.filter { uses.contains(.given($0)) }
=======
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
>>>>>>> bytes
  }

  /// The variable that an argument is.
  func variable(_ part: Part) -> CExpression {
    switch part {
    case .argument(let index):
      CExpression(CNames.identifier(arguments[index].name), using: [.given(part)])
    case .parameters: .parameters
    case .gradients: .gradients
    case .updates: .updates
    case .borrowed(let index):
      CExpression(CNames.identifier(layer.borrowed[index].field), using: [.given(part)])
    case .saved: .saved
    case .scratch: .scratch
    case .pass: .pass
    case .stream: .stream
    }
  }

  private func type(of part: Part) -> String {
    switch part {
    case .argument(let index):
      (arguments[index].isWritten ? "" : "const ") + CNames.element(arguments[index].type) + " *"
    case .parameters, .gradients: "const \(layer.name)_params *"
    case .updates: "const \(layer.name)_updates *"
    case .borrowed: "const float *"
    case .saved: "const \(layer.name)_saved *"
    case .scratch: "const \(layer.name)_scratch *"
    case .pass: "const model_pass *"
    case .stream: "int "
    }
  }

  /// The function's head, ending in `ending`.
  func head(_ ending: String) -> String {
    CLines.wrapped(
      "void \(functionName)(", parts.map { type(of: $0) + variable($0).text }, ")\(ending)"
    )
    .joined(separator: "\n")
  }
}
