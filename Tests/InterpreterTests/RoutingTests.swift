import GraphIR
import Testing

@testable import Interpreter

/// Routing whole passes of tokens, with expert choices that a parameter's values decide.
@Suite struct RoutingTests {
  /// Tokens choose experts by their row of `gate`; values [token], each expert multiplies by e + 1.
  private func graph(
    chosen: Int, capacity: Double?, batch: Int = 1, context: Int = 4
  ) -> Graph {
    let (B, T, V) = (Axis("B", batch), Axis("T", context), Axis("V", 3))
    let (E, C) = (Axis("E", 3), Axis("C", 1))
    var g = GraphBuilder(Graph(name: "routing", vocabulary: V, context: T, batch: B))
    let tokens = g.emitOne(.input(Input(.tokens, [B, T])), [])
    var parameters: [Value] = []
    for (name, axes) in [("gate", [V, E]), ("value", [V, C]), ("weight", [E, C, C])] {
      let parameter = Parameter(name: name, axes: axes, initializer: .ones)
      parameters.append(g.emitOne(.parameter(parameter), []))
    }
    let logits = g.emitOne(.embedding(Embedding()), [tokens, parameters[0]])
    let x = g.emitOne(.embedding(Embedding()), [tokens, parameters[1]])
    let top = g.emit(.top(Top(chosen: Axis("K", chosen))), [logits])
    let routed = g.emit(
      .route(Route(experts: E, capacity: capacity.map { Capacity(factor: $0) })), [top[1]])
    let rows = g.emitOne(.dispatch(Dispatch()), [x] + routed)
    let y = g.emitOne(.linear(Linear(bias: false)), [rows, parameters[2], routed[0]])
    g.bind(.logits, to: g.emitOne(.combine(Combine()), [y, top[0], routed[2]]))
    return g.graph
  }

  private func run(
    _ graph: Graph, _ tokens: [Int32], sequences: Int? = nil, length: Int? = nil
  ) throws -> (y: [Double], start: [Int32], source: [Int32], slot: [Int32]) {
    let parameters: [String: [Double]] = [
      "gate": [3, 2, 1, 1, 3, 2, 2, 1, 3], "value": [1, 10, 100], "weight": [1, 2, 3],
    ]
    let run = try Interpreter(
      graph, tokens: tokens, parameters: parameters, sequences: sequences, length: length
    ).run()
    let node = try #require(graph.nodes.firstIndex { $0.op.kind == .route })
    let routed = run.values[node].map(\.integers)
    return (try #require(run.logits), routed[0], routed[1], routed[2])
  }

  @Test func pairsAreSortedByExpertAndTokensStayInOrder() throws {
    // Token 0 chooses experts 0 and 1, token 1 chooses 1 and 2, token 2 chooses 0 and 2.
    let (y, start, source, slot) = try run(graph(chosen: 2, capacity: nil), [2, 0, 1, 0])
    #expect(start == [0, 3, 6, 8])
    #expect(source == [0, 1, 3, 1, 2, 3, 0, 2])
    #expect(slot == [0, 6, 1, 3, 4, 7, 2, 5])
    #expect(y == [1100, 7, 120, 7])
  }

  @Test func anExpertWithoutTokensOwnsNoRows() throws {
    let (y, start, _, slot) = try run(graph(chosen: 1, capacity: nil), [0, 2, 2, 0])
    #expect(start == [0, 2, 2, 4])
    #expect(slot == [0, 2, 3, 1])
    #expect(y == [3, 900, 900, 3])
  }

  @Test func capacityKeepsTheFirstTokensOfEachExpert() throws {
    // int(4 · 2 / 3 · 0.75) = 2 tokens for each expert; weights of what is left are as they were.
    let (y, start, _, slot) = try run(graph(chosen: 2, capacity: 0.75), [0, 0, 0, 1])
    #expect(start == [0, 2, 4, 5])
    #expect(slot == [0, 2, 1, 3, -1, -1, -1, 4])
    #expect(y == [7, 7, 0, 60])
  }

  @Test func capacityIsThatOfThePassAtHand() throws {
    let graph = graph(chosen: 2, capacity: 0.75, batch: 4, context: 5)
    // One sequence of 3: int(3 · 2 / 3 · 0.75) = 1; of 1: int(2 / 3 · 0.75) = 0.
    #expect(try run(graph, [0, 0, 0], sequences: 1, length: 3).start == [0, 1, 2, 2])
    #expect(try run(graph, [0], sequences: 1, length: 1).start == [0, 0, 0, 0])
    #expect(try run(graph, [0], sequences: 1, length: 1).y == [0])
  }

  @Test func tokensOutOfRangeOrNumberAreErrors() {
    let graph = graph(chosen: 1, capacity: nil)
    #expect(throws: Diagnostic.self) { try run(graph, [0, 1, 2, 3]) }
    #expect(throws: Diagnostic.self) { try run(graph, [0, -1, 2, 0]) }
    #expect(throws: Diagnostic.self) { try run(graph, [0, 1]) }
  }
}
