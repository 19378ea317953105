import GraphIR
import Lowering
import Planning

/// What ops compute, for a reader.
public enum Formulas {
  /// The formula of a call, its last steps included.
  public static func formula(_ call: Call) -> String {
    let texts = call.kernel.finishesInOrder.map { place, finish in
      "\(finish.expression) of " + (call.results.count > 1 ? call.results[place].name : "it")
    }
    return call.action.formula + (texts.isEmpty ? "" : ", then " + texts.joined(separator: ", "))
  }

  /// The formula of an op; a pointwise op's own expression.
  static func formula(_ op: Op) -> String {
    if case .pointwise(let op) = op { return "y = \(op.expression)" }
    return type(of: op.operation).formula
  }

  /// How gradients pass an op, a formula for each op that backward may take; empty where none do.
  static func gradients(_ op: Op) -> [String] { op.forward?.gradientFormulas ?? [] }

  /// What tells one op from others of its kind at a glance; empty where the kind says it all.
  static func detail(_ op: Op) -> String {
    if case .pointwise(let op) = op { return "\(op.expression)" }
    if case .parameter(let parameter) = op { return "\(parameter.initializer)" }
    return ""
  }
}
