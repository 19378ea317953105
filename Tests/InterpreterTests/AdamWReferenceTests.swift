import Foundation
import GraphIR
import Testing

@testable import Interpreter

@Suite struct AdamWReferenceTests {
  /// Token t belongs to expert t of 3; the gradient of that expert's weight is bound by hand.
  private func graph() -> Graph {
    let (B, T, V) = (Axis("B", 1), Axis("T", 2), Axis("V", 3))
    let C = Axis("C", 1)
    var g = GraphBuilder(
      Graph(
        name: "adam", vocabulary: V, context: T, batch: B,
        optimizer: .adamW(learningRate: 0.1, weightDecay: 0.5)))
    var p: [String: Value] = [:]
    for (name, axes) in [("gate", [V, V]), ("table", [V, C]), ("w", [V, C, C]), ("idle", [C])] {
      let parameter = Parameter(
        name: name, axes: axes, initializer: .ones, decays: name != "table")
      p[name] = g.emitOne(.parameter(parameter), [])
    }
    guard let gate = p["gate"], let table = p["table"], let w = p["w"] else { return g.graph }
    let tokens = g.emitOne(.input(Input(.tokens, [B, T])), [])
    let top = g.emit(
      .top(Top(chosen: Axis("K", 1))), [g.emitOne(.embedding(Embedding()), [tokens, gate])])
    let routed = g.emit(.route(Route(experts: V)), [top[1]])
    let x = g.emitOne(.embedding(Embedding()), [tokens, table])
    let rows = g.emitOne(.dispatch(Dispatch()), [x] + routed)
    let y = g.emitOne(.linear(Linear(bias: false)), [rows, w, routed[0]])
    g.phase = .backward
    let dw = g.emitOne(
      .linearWeightGradient(LinearWeightGradient(bias: false)), [y, rows, routed[0]])
    let dTable = g.emitOne(.embeddingGradient(EmbeddingGradient(entries: V)), [tokens, x])
    g.bind(.gradient(parameter: "w"), to: dw)
    g.bind(.gradient(parameter: "table"), to: dTable)
    return g.graph
  }

  private let start: [String: [Double]] = [
    "gate": [1, 0, 0, 0, 1, 0, 0, 0, 1], "table": [1, 2, 3], "w": [1, 1, 1], "idle": [7],
  ]

  @Test func aStepIsPyTorchs() throws {
    let graph = graph()
    var optimizer = AdamWReference(graph, parameters: start)
    // Gradients: w [1 · 1, 0, 3 · 3], table [1, 0, 3].
    let run = try Interpreter(graph, tokens: [0, 2], parameters: start).run()
    optimizer.step(run)
    let w = try #require(optimizer.parameters["w"])
    // The first step is lr · g / (|g| + epsilon) after decay by 1 - 0.1 · 0.5.
    #expect(abs(w[0] - (0.95 - 0.1 / (1 + 1e-8))) < 1e-15)
    #expect(abs(w[2] - (0.95 - 0.1 / (1 + 1e-8 / 9))) < 1e-15)
    let table = try #require(optimizer.parameters["table"])
    #expect(abs(table[0] - 0.9) < 1e-8 && table[1] == 2)

    optimizer.step(run)
    let m = 0.9 * 0.1 + 0.1
    let v = 0.999 * 0.001 + 0.001
    let second = 0.1 / (1 - 0.81) * m / (v.squareRoot() / (1 - 0.998001).squareRoot() + 1e-8)
    let twice = try #require(optimizer.parameters["w"])
    #expect(abs(twice[0] - (w[0] * 0.95 - second)) < 1e-14)
  }

  @Test func anExpertWithoutRowsIsSkippedAltogether() throws {
    let graph = graph()
    var optimizer = AdamWReference(graph, parameters: start)
    optimizer.step(try Interpreter(graph, tokens: [0, 2], parameters: start).run())
    #expect(optimizer.steps["w"] == [1, 0, 1])
    #expect(optimizer.parameters["w"]?[1] == 1)
    let first = optimizer.first
    optimizer.step(try Interpreter(graph, tokens: [1, 1], parameters: start).run())
    #expect(optimizer.steps["w"] == [1, 1, 1])
    #expect(optimizer.first["w"]?[0] == first["w"]?[0])
    // Expert 1 makes its own first step now: full bias correction.
    #expect(abs((optimizer.parameters["w"]?[1] ?? 0) - 0.85) < 1e-8)
    // A table's rows that do not occur go on nevertheless.
    #expect(optimizer.steps["table"] == [2])
    #expect(optimizer.first["table"]?[0] == 0.9 * (first["table"]?[0] ?? 0))
  }

  @Test func aParameterWithoutGradientIsLeftAlone() throws {
    let graph = graph()
    var optimizer = AdamWReference(graph, parameters: start)
    optimizer.step(try Interpreter(graph, tokens: [0, 2], parameters: start).run())
    #expect(optimizer.parameters["idle"] == [7])
    #expect(optimizer.steps["idle"] == nil)
  }
}
