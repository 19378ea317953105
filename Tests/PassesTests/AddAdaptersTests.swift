import CompiledModels
import GraphIR
import Interpreter
import MoE
import Testing
import Words

@testable import Passes

/// Low-rank adapters beside weights that are frozen.
@Suite struct AddAdaptersTests {
  private func adapted(
    _ graph: Graph, rank: Int = 3, alpha: Double? = nil, on targets: String...,
    learning: String...
  ) throws -> Graph {
    let parsed = targets.map { AdapterTarget(ParameterPattern($0)) }
    return try Pass.addAdapters(
      AdapterRequest(
        rank: rank, alpha: alpha, targets: parsed.isEmpty ? AdapterTarget.usual : parsed,
        learned: learning.map(ParameterPattern.init))
    ).run(graph)
  }

  private func weights(_ graph: Graph) -> [String] {
    graph.adapters.filter { $0.adapter.part == .a }.map(\.adapter.weight)
  }

  @Test("Words mean kinds of layers, by what reads them and what they read")
  func kinds() throws {
    let mixture = try FamilyModel(.qwen2MoE) { $0.shared = 8 }.graph()
    let names = { (room: String, kinds: [String]) in
      [0, 1].flatMap { block in kinds.map { "block.\(block).\(room).\($0).weight" } }
    }
    #expect(
      weights(try adapted(mixture, on: "attention")) == names("attention", ["q", "k", "v", "o"]))
    #expect(weights(try adapted(mixture, on: "router")) == names("mixture", ["router"]))
    #expect(
      weights(try adapted(mixture, on: "experts")) == names("mixture", ["gate", "up", "down"]))
    #expect(
      weights(try adapted(mixture, on: "mlp")).sorted()
        == names("mixture", ["share", "shared.down", "shared.gate", "shared.up"]).sorted())
    let all = weights(try adapted(mixture, on: "all"))
    #expect(all.count == 2 * 12 && !all.contains("head.weight"))
    #expect(weights(try adapted(mixture)).count == 2 * 11)
    #expect(weights(try adapted(mixture, on: "head", "router")).contains("head.weight"))
    // Its attention is written out, and its router has noise.
    let written = try MakeMoE("written") { $0.isNoisy = true }.graph()
    let first = { (graph: Graph) in weights(graph).filter { $0.hasPrefix("block.0") }.count }
    #expect(first(try adapted(written, on: "attention")) == 4)
    #expect(first(try adapted(written, on: "router")) == 2)
    #expect(first(try adapted(written, on: "experts")) == 2)
  }

  @Test("Two matrices stand beside a weight, one pair for each expert, as PEFT begins with them")
  func matrices() throws {
    let graph = try adapted(FamilyModel(.mixtral).graph(), rank: 5, alpha: 15)
    let known = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { ($0.parameter.name, $0.parameter) })
    let q = try #require(known["block.0.attention.q.lora_a"])
    #expect(q.axes.map(\.size) == [5, 16] && q.initializer == .uniform(0.25) && q.isLearned)
    let k = try #require(known["block.1.attention.k.lora_b"])
    #expect(k.axes.map(\.size) == [8, 5] && k.initializer == .zeros && k.adapter?.scale == 3)
    #expect(known["block.0.mixture.up.lora_a"]?.axes.map(\.size) == [4, 5, 16])
    #expect(known["block.0.mixture.down.lora_b"]?.axes.map(\.size) == [4, 16, 5])
    #expect(graph.parameters.allSatisfy { $0.parameter.isFrozen == ($0.parameter.adapter == nil) })
    #expect(try Graph(parsing: graph.text) == graph)
    // First values of what was there stay those that they were.
    let before = try FamilyModel(.mixtral).graph()
    let numbers = { (graph: Graph) in
      Dictionary(
        uniqueKeysWithValues: graph.parameters.map {
          ($0.parameter.name, graph.parameterNumbers[$0.node] ?? -1)
        })
    }
    let (old, new) = (numbers(before), numbers(graph))
    for (name, number) in old { #expect(new[name] == number, "\(name)") }
  }

  @Test("Before the first step nothing is changed, and beside adapters learns what is named")
  func beginning() throws {
    let graph = try FamilyModel(.mixtral).graph()
    let adapted = try adapted(graph, on: "all", learning: "final", "block.1.attention.q")
    let before = try Interpreter.onRandomTokens(graph, seed: 4).run([.logits])
    let after = try Interpreter.onRandomTokens(adapted, seed: 4).run([.logits])
    #expect(before.logits == after.logits)
    let learned = adapted.parameters.filter {
      $0.parameter.isLearned && $0.parameter.adapter == nil
    }.map(\.parameter.name)
    #expect(learned == ["block.1.attention.q.weight", "final.weight"])
  }

  private static let models: [(String, @Sendable () throws -> Graph)] = [
    ("dense, grouped queries", { try FamilyModel(.llama) { $0.experts = 0 }.graph() }),
    ("stacked experts", { try FamilyModel(.mixtral) { $0.balance = 0.1 }.graph() }),
    (
      "biases, interleaved units",
      {
        try FamilyModel(.gptOSS) { ($0.window, $0.limit) = (4, 1) }.graph()
      }
    ),
    ("noise, attention written out", { try MakeMoE("written") { $0.isNoisy = true }.graph() }),
    ("a tied head", { try tied() }),
  ]

  /// The table of tokens is the head too.
  private static func tied() throws -> Graph {
    let (V, T, B, C) = (MoE.Axis("V", 7), MoE.Axis("T", 5), MoE.Axis("B", 2), MoE.Axis("C", 8))
    return try LanguageModel.trace("tied", vocabulary: V, context: T, batch: B) { text in
      let table = parameter("token", V, C, initial: .normal(0.5))
      let x = text.tokens.embedding(table).linear("up", 2 * C).silu().linear("down", C)
      return x.rmsNorm("final").linear(weight: table)
    }
  }

  @Test("Gradients are slopes", arguments: models.indices)
  func gradients(_ index: Int) throws {
    let (name, model) = Self.models[index]
    let targets = name == "a tied head" ? ["mlp"] : ["all", "head"]
    let request = AdapterRequest(
      rank: 3, alpha: 2, targets: targets.map { AdapterTarget(ParameterPattern($0)) })
    let graph = try Pass.addAdapters(request).run(model()).withActiveAdapters
    let results = try GradientCheck(Pass.differentiate.run(graph)).results()
    #expect(results.count == graph.adapters.count && !results.isEmpty)
    for result in results {
      #expect(result.relativeError < 1e-5 && !result.isZero, "\(name): \(result.parameter)")
    }
  }

  @Test func whatIsNoLinearLayersWeightIsRefused() throws {
    let table = #expect(throws: Diagnostic.self) { try adapted(Self.tied(), on: "token") }
    #expect(table?.message.contains("token is read by embedding here") == true, "\(table as Any)")
    #expect(table?.hint == "--lora-learn token lets all of it learn")
    let dense = #expect(throws: Diagnostic.self) { try adapted(Self.tied(), on: "experts") }
    #expect(dense?.message == "--lora-on experts: tied has no such weights of linear layers")
    #expect(dense?.hint?.hasPrefix("there are up.weight, down.weight; or say attention") == true)
    #expect(throws: Diagnostic.self) { try adapted(Self.tied(), on: "mlp", "final") }
    let learned = #expect(throws: Diagnostic.self) {
      try adapted(Self.tied(), on: "mlp", learning: "nothing")
    }
    #expect(learned?.message == "--lora-learn \"nothing\": tied has no such parameter")
  }

  @Test("The verifier knows what an adapter is")
  func verifier() throws {
    let graph = try adapted(FamilyModel(.mixtral).graph())
    let (node, parameter, _) = try #require(graph.adapters.first)
    var (other, misshapen) = (parameter, parameter)
    other.adapter?.weight = "final.weight"
    misshapen.axes.reverse()
    for wrong in [other, misshapen] {
      var broken = graph
      broken.nodes[node].op = .parameter(wrong)
      #expect(throws: Diagnostic.self) { try Verifier.verify(broken) }
    }
  }
}
