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

  /// Whether a call is given anything of one use.
  var takesUse: Bool {
    parts.contains { part in
      switch part {
      case .argument, .parameters, .gradients, .updates, .borrowed, .saved, .stream: true
      case .scratch, .pass: false
      }
    }
  }

  var arguments: [Argument] { phase == .forward ? layer.forwardArguments : layer.backwardArguments }

  /// - Parameter run: what the function of a run of its own is called besides; nil: it is the phase's.
  init(_ layer: Layer, _ phase: Phase, run: String? = nil, using uses: Set<CVariable>) {
    self.layer = layer
    self.phase = phase
    functionName = "\(layer.name)_\(phase.rawValue)" + (run.map { "_sequences" + $0 } ?? "")
    let arguments = phase == .forward ? layer.forwardArguments : layer.backwardArguments
    let all =
      arguments.indices.map(Part.argument) + [.parameters, .gradients, .updates]
      + layer.borrowed.indices.map(Part.borrowed) + [.saved, .scratch, .pass, .stream]
    parts = all.filter { uses.contains(.given($0)) }
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
