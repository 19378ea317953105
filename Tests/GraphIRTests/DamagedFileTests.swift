import ModelFixtures
import Testing

@testable import GraphIR

/// A graph's text is parsed or refused, soon; what is parsed can be verified.
@Suite struct DamagedFileTests {
  @Test func graphs() {
    let seeds = OpKind.allSamples.prefix(12).map { Array($0.graph.text.utf8) }
    let outcome = Damaged(seeds + [Array(Graph.small.text.utf8)], count: 600).read { bytes in
      let graph = try Graph(parsing: String(decoding: bytes, as: UTF8.self))
      try Verifier.verify(graph)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  /// Half a megabyte that each say something else, or nest.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "axis A 1\n", "%0 = input() {a} ", "A·", "{a,", "tanh(", "(", "x0 + ", "[", "\\u{7f}",
      "# a\n",
    ])
  func longTextsAreRefusedSoon(_ piece: String) {
    let text = String(repeating: piece, count: 500_000 / piece.utf8.count)
    for start in ["", "graph \"g\"\n", "graph \"g\"\naxis A 1\nbatch ", "graph \""] {
      #expect(throws: Diagnostic.self) { try Graph(parsing: start + text) }
    }
    for start in ["", "tanh(", "x0 * "] {
      #expect(throws: Diagnostic.self) { try ScalarExpression(parsing: start + text + "!") }
    }
  }
}
