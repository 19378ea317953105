import Testing

@testable import GraphIR

@Suite("Layers of nodes")
struct LayerTests {
  private static let path = LayerPath([
    .init("decoder"), .init("block", 3), .init("moe"), .init("inner", 0),
  ])

  @Test("A path knows its scope, its name and the uses around it")
  func path() throws {
    let path = try #require(Self.path)
    #expect("\(path)" == "decoder.block[3].moe.inner[0]")
    #expect(path.scope == "decoder.block.3.moe.inner.0")
    #expect(path.name == "inner" && path.depth == 2)
    #expect(path.truncated(toDepth: 1)?.description == "decoder.block[3]")
    #expect(path.truncated(toDepth: 2) == path && path.truncated(toDepth: 9) == path)
    #expect(path.truncated(toDepth: 0) == nil)
    #expect(path.local("decoder.block.3.moe.inner.0.up") == "up")
    #expect(path.family == "decoder.block[3].moe.inner")
    #expect(LayerPath([.init("decoder")]) == nil)
    #expect(LayerPath([.init("block", 1), .init("moe")])?.description == "block[1]")
  }

  @Test("Layers print and parse; a scope alone is no layer, whatever it is called")
  func text() throws {
    var graph = Graph.small
    let path = try #require(Self.path)
    graph.nodes[2].layer = path
    graph.nodes[2].scope = path.scope + ".up"
    graph.nodes[4].layer = path
    graph.nodes[4].scope = path.scope
    graph.nodes[5].scope = "block.3.up"
    #expect(graph.text.contains("@ decoder.block[3].moe.inner[0] \"up\"\n"))
    #expect(graph.text.contains("@ decoder.block[3].moe.inner[0] \"\"\n"))
    let parsed = try Graph(parsing: graph.text)
    #expect(parsed == graph)
    #expect(parsed.nodes[5].layer == nil)
    try Verifier.verify(graph)
  }

  @Test(
    "Errors in a layer's path",
    arguments: [
      ("block[", "expected a layer's number"), ("block[3", "expected \"]\""),
      ("block", "a layer's path ends with its number, as in block[3]"),
      ("block[3].7", "expected a layer or the scope in quotes"),
      ("block[3]", "expected the scope in quotes"),
      ("block[99999999999]", "a layer's number must be at most"),
    ])
  func malformed(layer: String, expected: String) {
    let text = Graph.small.text.replacing("@ \"table\"", with: "@ \(layer)")
    let error = #expect(throws: Diagnostic.self) { try Graph(parsing: text) }
    #expect(error?.message.hasPrefix(expected) == true, "\(error?.message ?? "")")
  }

  @Test("A layer's nodes have scopes that begin with its own, and names that can be read back")
  func verifier() throws {
    var graph = Graph.small
    graph.nodes[2].layer = Self.path
    let wrong = #expect(throws: Diagnostic.self) { try Verifier.verify(graph) }
    #expect(wrong?.message.contains("does not begin with that of layer decoder.block[3]") == true)
    graph.nodes[2].layer = LayerPath([.init("a b", 1)])
    graph.nodes[2].scope = "a b.1"
    let odd = #expect(throws: Diagnostic.self) { try Verifier.verify(graph) }
    #expect(odd?.message.contains("has a part that is no name") == true)
  }
}
