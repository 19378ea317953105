import GraphIR
import Testing

@testable import MoE

/// Attention of any form, as a model writes it, and what is wrong with it.
@Suite struct AttentionTests {
  private static let narrow = Axis("N", 4)

  /// The line of `attention` in the model below.
  private static let attentionLine = #line + 10

  /// A model of 3 heads of queries and so many numbers and heads of keys and values.
  private func model(
    _ text: Text, keys: Int = 3, width: Axis = Small.C, window: Int? = nil, cap: Double? = nil,
    sinks: ((Tensor) -> Tensor)? = nil
  ) -> Tensor {
    let x = text.embedded
    let q = x.linear("q", Small.C).heads(3)
    let (k, v) = (x.linear("k", width).heads(keys), x.linear("v", width).heads(keys))
    return attention(q, k, v, window: window, softCap: cap, sinks: sinks?(x)).mergedHeads().head
  }

  private func attentions(_ graph: Graph) -> [Attention] {
    graph.nodes.compactMap { if case .attention(let op) = $0.op { op } else { nil } }
  }

  private func expect(_ found: [Diagnostic], _ message: String, hint: String) {
    #expect(found.map(\.message) == ["attention: \(message)"])
    #expect(found.first?.hint == hint)
    #expect(found.first?.location?.line == Self.attentionLine)
  }

  @Test func keysMayHaveFewerHeads() throws {
    let graph = try trace { model($0, keys: 1, width: Self.narrow) }
    let found = attentions(graph)
    #expect(found.map(\.heads.size) == [3] && found.map(\.keyHeads.size) == [1])
    let node = try #require(graph.nodes(.attention).first)
    let types = node.inputs.map { graph.type(of: $0).description }
    #expect(types == ["f32[B, T, C]", "f32[B, T, N]", "f32[B, T, N]"])
    #expect(node.types[0].description == "f32[B, T, C]")
  }

  @Test func equalHeadsAreWrittenAsEver() throws {
    let graph = try trace { model($0) }
    let line = graph.text.split(separator: "\n").first { $0.contains("= attention(") }
    #expect(line.map(String.init)?.contains("keyHeads") == false)
    #expect(attentions(graph).map(\.isPlain) == [true])
  }

  @Test func allOfItIsPrintedAndRead() throws {
    let graph = try trace {
      model($0, keys: 1, width: Self.narrow, window: 4, cap: 50) { _ in
        parameter("sinks", Axis("H", 3), initial: .zeros)
      }
    }
    let line = try #require(graph.text.split(separator: "\n").first { $0.contains("attention(") })
    for part in ["keyHeads", "window", "softCap"] { #expect(line.contains(part), "\(line)") }
    #expect(try Graph(parsing: graph.text).text == graph.text)
    #expect(graph.nodes(.attention).map(\.inputs.count) == [4])
  }

  @Test func headsOfKeysDoNotDivide() {
    let found = errors { model($0, keys: 2, width: Axis("N", 8)) }
    expect(
      found, "H2 (2) heads of keys do not divide H (3) of queries",
      hint: "each head of keys and values is read by as many heads of queries")
  }

  @Test func valuesAreAsKeys() {
    let found = errors { text in
      let x = text.embedded
      let k = x.linear("k", Self.narrow).heads(1)
      return attention(x.heads(3), k, x.heads(3)).mergedHeads().head
    }
    #expect(
      found.map(\.message) == [
        "attention: values must be f32[B, H, T, D] like the keys, got f32[B, H2, T, D]"
      ])
  }

  @Test(arguments: [0, -3]) func windowIsTooSmall(_ window: Int) {
    let found = errors { model($0, window: window) }
    expect(
      found, "the window must be at least 1, got \(window)",
      hint: "it counts the keys that a query sees, its own included")
  }

  @Test(arguments: [0, -50, .nan, .infinity]) func capIsNone(_ cap: Double) {
    let found = errors { model($0, cap: cap) }
    expect(
      found, "the cap must be a number above 0, got \(cap)",
      hint: "scores stay between -cap and cap; 50 is usual")
  }

  @Test func sinksAreOneNumberForEachHead() {
    let hint = "parameter(\"sinks\", Axis(\"H\", 3), initial: .zeros) is such"
    let many = errors { model($0) { _ in parameter("sinks", Axis("M", 4)) } }
    expect(many, "sinks are one number for each of H (3) heads, got f32[M]", hint: hint)
    let rows = errors { model($0) { $0 } }
    expect(rows, "sinks are one number for each of H (3) heads, got f32[B, T, C]", hint: hint)
  }
}
