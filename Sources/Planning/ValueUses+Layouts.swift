import GraphIR
import Lowering

// How parameters and their gradients lie.
extension ValueUses {
  /// The layout in which a parameter lives: panels where linear layers use it, and nothing else but lookups of
  /// rows. A state lies as its rule makes it.
  func layout(ofParameter parameter: Value, _ gradients: [Value]) -> Layout {
    let type = program.type(of: parameter)
    if isState(parameter) { return .rowMajor }
    let readers = readers(of: parameter)
    let weights = readers.filter { isWeight(parameter, of: program.calls[$0]) }
    guard type.axes.count >= 2, !weights.isEmpty,
      readers.allSatisfy({ weights.contains($0) || isTable(parameter, of: $0) })
    else { return .rowMajor }
    for gradient in gradients {
      guard gradientOf[gradient]?.count == 1, self.readers(of: gradient).isEmpty,
        isMadeInPanels(gradient)
      else { return .rowMajor }
    }
    return Self.panels(type)
  }

  /// Whether kernels make a gradient in panels: a weight's, and what rows of a table's are added to.
  private func isMadeInPanels(_ gradient: Value) -> Bool {
    if isWeightGradient(gradient) { return true }
    guard let part = addend(of: gradient), grows[part] != nil else { return false }
    return isMadeInPanels(part)
  }

  /// How a value lies that is a parameter's gradient or its beginning; nil for any other.
  func layout(ofGradient value: Value) -> Layout? {
    grows[value].flatMap { layouts[$0] }
  }

  /// Whether a value is a weight's gradient, which kernels make in panels.
  func isWeightGradient(_ value: Value) -> Bool {
    guard let call = call(making: value), call.op?.makesPanels ?? false else { return false }
    return call.kernel.results(.weights).contains(value)
  }

  /// Panels of a weight's type: [O, I], or [E, O, I] by expert.
  static func panels(_ type: TensorType) -> Layout {
    let axes = type.axes
    let stack = axes.dropLast(2).reduce(1) { $0 * $1.size }
    return .panels(
      stack: stack, outputs: axes[axes.count - 2].size, inputs: axes[axes.count - 1].size)
  }

  /// Whether a call looks rows up in a value.
  private func isTable(_ value: Value, of call: Int) -> Bool {
    let call = program.calls[call]
    return call.op?.kind == .embedding && call[.table] == value
  }

  /// Whether a call reads a value as the weights of a linear layer and as nothing else.
  private func isWeight(_ value: Value, of call: Program.Call) -> Bool {
    guard call.op?.readsPanels ?? false else { return false }
    return call.kernel.operands.allSatisfy { $0.content != value || $0.role == .weights }
  }
}
