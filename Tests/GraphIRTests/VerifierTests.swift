import Testing

@testable import GraphIR

@Suite("Verifier")
struct VerifierTests {
  @Test("Every sample verifies", arguments: OpKind.allSamples)
  func samplesVerify(sample: Sample) throws { try Verifier.verify(sample.graph) }

  @Test("The small model verifies")
  func smallVerifies() throws { try Verifier.verify(.small) }

  @Test("Each broken invariant is named", arguments: allBadGraphs)
  func namesWhatIsWrong(bad: BadGraph) {
    do {
      try Verifier.verify(bad.graph)
      Issue.record("verified, expected: \(bad.expected)")
    } catch {
      #expect(error.message == bad.expected)
    }
  }

  static var allBadGraphs: [BadGraph] { headers + nodes + attributes + outputs + routes }

  @Test("The error stands at the node's own line")
  func place() {
    var graph = Graph.small
    graph.setInitializer(.normal(-1))
    #expect(
      throws: Diagnostic(
        at: SourceLocation(file: "a.swift", line: 3, column: 5),
        "a parameter cannot be initialized by normal(-1.0) (%1 parameter, table)")
    ) { try Verifier.verify(graph) }
  }
}
