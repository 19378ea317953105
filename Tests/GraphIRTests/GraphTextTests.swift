import Testing

@testable import GraphIR

@Suite("The graph's text form")
struct GraphTextTests {
  @Test(
    "Every sample prints and parses back to an equal graph, and prints the same again",
    arguments: OpKind.allSamples)
  func roundTrip(sample: Sample) throws {
    let parsed = try Graph(parsing: sample.graph.text)
    #expect(parsed == sample.graph)
    #expect(parsed.text == sample.graph.text)
  }
}
