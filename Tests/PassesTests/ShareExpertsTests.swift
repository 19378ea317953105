import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// Rows that travel to the ranks of their experts: in the interpreter, which is one rank, they stay what they are.
@Suite struct ShareExpertsTests {
  private typealias Axis = MoE.Axis
  private static let (V, T, B) = (Axis("V", 7), Axis("T", 4), Axis("B", 2))
  private static let (C, E) = (Axis("C", 5), Axis("E", 4))

  private static func traced(
    capacity: Double? = nil, chosen: Int = 2,
    _ experts: @escaping (Routed) -> Routed = {
      $0.linear("up", 2 * C).relu().dropout(0.2).linear("down", C)
    }
  ) throws -> Graph {
    try LanguageModel.trace("shared", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let y = layers("block", 2, x) { x in
        let routing = x.linear("gate", E).top(chosen).softmax()
        let rows = capacity.map { x.routed(by: routing, capacity: $0) } ?? x.routed(by: routing)
        return x + experts(rows).combined()
      }
      return y.linear("head", V)
    }
  }

  private static func passes(_ ranks: Int) -> Pipeline {
    Pipeline(Pipeline.standard(expertRanks: ranks))
  }

  @Test("Outputs and gradients are those of one rank", arguments: [1, 2], [nil, 0.6])
  func sameNumbers(chosen: Int, capacity: Double?) throws {
    let traced = try Self.traced(capacity: capacity, chosen: chosen)
    let plain = try Interpreter.onRandomTokens(Pipeline().run(traced)).run()
    for ranks in [2, 4] {
      let shared = try Interpreter.onRandomTokens(Self.passes(ranks).run(traced)).run()
      for output in plain.graph.outputs.map(\.output) {
        #expect(shared[output] == plain[output], "\(output) with \(ranks)")
      }
    }
  }

  @Test("All that experts do, they do to rows that were received; costs stay those of a rank's own")
  func received() throws {
    let traced = try Self.traced()
    let plain = try Pipeline().run(traced)
    let shared = try Self.passes(2).run(traced)
    for node in shared.nodes {
      for input in node.inputs where shared.type(of: input).experts != nil {
        let isOwn = shared.type(of: input).axes[0].symbols.count > 1
        switch node.op {
        case .combine, .combineGradient, .dispatchGradient: #expect(isOwn)
        case .exchangeRows(let op): #expect(isOwn != op.isBack)
        case _: #expect(!isOwn, "\(node.op.mnemonic)")
        }
      }
    }
    let kinds = shared.nodes.map(\.op.kind)
    #expect(kinds.count { $0 == .exchangeCounts } == 2)
    // Out and back in each block, forward and backward.
    #expect(kinds.count { $0 == .exchangeRows } == 8)
    #expect(shared.cost(.forward) == plain.cost(.forward))
    #expect(shared.cost(.backward) == plain.cost(.backward))
    #expect(try Graph(parsing: shared.text) == shared)
  }

  @Test(
    "Room is for the rows of all ranks, as far as a rank's experts and a capacity let them come")
  func room() throws {
    func rows(_ graph: Graph) throws -> Int {
      let node = try #require(graph.nodes.first { $0.op.kind == .exchangeRows })
      return node.types[0].axes[0].size
    }
    #expect(try rows(Self.passes(2).run(Self.traced())) == 2 * 8 * 2)
    #expect(try rows(Self.passes(4).run(Self.traced())) == 4 * 8 * 1)
    #expect(try rows(Self.passes(2).run(Self.traced(capacity: 0.5))) == 2 * 2 * 2)
  }

  @Test("What cannot be shared out is said at its line")
  func refusals() throws {
    let uneven = try #require(throws: Diagnostic.self) { try Self.passes(3).run(Self.traced()) }
    #expect(uneven.message.contains("E (4) experts cannot be shared out evenly among 3 ranks"))
    #expect(uneven.location?.file.hasSuffix("ShareExpertsTests.swift") == true)
    let dense = try LanguageModel.trace("dense", vocabulary: Self.V, context: Self.T, batch: Self.B)
    {
      $0.tokens.embedding("token", Self.C).linear("head", Self.V)
    }
    let none = try #require(throws: Diagnostic.self) { try Self.passes(2).run(dense) }
    #expect(none.message.contains("routes no rows to experts"))
    var g = GraphBuilder(try Self.traced())
    let weight = try #require(
      g.graph.parameters.first { $0.parameter.name == "block.1.up.weight" }?.node)
    _ = g.pointwise(.input(0) * .input(0), [Value(node: weight)])
    let read = try #require(throws: Diagnostic.self) {
      try Pass.shareExperts(among: 2).run(g.graph)
    }
    #expect(read.message.contains("pointwise reads all experts' block.1.up.weight"))
  }
}
