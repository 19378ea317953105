import GraphIR
import Testing

@testable import Passes

/// Checks that a pass makes the second text of the first: nodes and outputs, without the header.
func expect(
  _ pass: Pass, makes expected: String, of text: String,
  _ location: Testing.SourceLocation = #_sourceLocation
) throws {
  let header = """
    graph "test"
    axis B 2
    axis T 5
    axis V 7
    axis C 6
    axis H 2
    axis D 3
    axis E 4
    axis K 2
    batch B
    context T
    vocabulary V
    optimizer adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01

    """
  let graph = try Graph(parsing: header + text + "\n")
  try Verifier.verify(graph)
  let result = try pass.run(graph)
  try Verifier.verify(result)
  let lines = result.text.split(separator: "\n")
  let body = lines.drop { $0 != "forward" && $0 != "backward" }
  #expect(body.joined(separator: "\n") == expected, sourceLocation: location)
}

/// A parameter's line.
func parameter(_ number: Int, _ name: String, _ axes: String) -> String {
  "%\(number) = parameter {name \"\(name)\", axes [\(axes)], init normal(1.0)} : f32[\(axes)]"
}

extension Pass {
  /// The pass without what it leaves behind, for short texts.
  var thenDropUnused: Pass {
    Pass(name, summary) { graph throws(Diagnostic) in
      try Pass.dropUnused.run(try run(graph))
    }
  }
}
