import GraphIR
import Words

extension Pass {
  /// Lets parameters keep their values, those whose names the patterns fit.
  ///
  /// Requires: no gradients yet. Error: a pattern that fits none.
  public static func freeze(_ patterns: [ParameterPattern]) -> Pass {
    Pass("Freeze", "parameters keep their values", isRequired: true) { graph throws(Diagnostic) in
      let (frozen, unfit) = graph.frozen(patterns)
      if let pattern = unfit.first { throw graph.noSuchParameter(pattern, "--freeze") }
      return frozen
    }
  }
}
