import CompiledModels
import GraphIR
import Interpreter
import MoE
import Testing
import Words

@testable import Passes

/// Parameters that keep their values.
@Suite struct FreezeTests {
  private func frozen(_ graph: Graph, _ patterns: String...) throws -> Graph {
    try frozen(graph, patterns)
  }

  private func frozen(_ graph: Graph, _ patterns: [String]) throws -> Graph {
    try Pass.freeze(patterns.map(ParameterPattern.init)).run(graph)
  }

  private func names(_ graph: Graph) -> [String] {
    graph.parameters.filter(\.parameter.isFrozen).map(\.parameter.name)
  }

  private func gradients(_ graph: Graph) -> Set<String> {
    Set(
      graph.outputs.compactMap {
        if case .gradient(let name) = $0.output { name } else { nil }
      })
  }

  @Test("A pattern fits names, and scopes with all in them")
  func patterns() throws {
    let graph = try FamilyModel(.mixtral).graph()
    #expect(names(try frozen(graph, "token*")) == ["token.weight"])
    #expect(names(try frozen(graph, "token")) == ["token.weight"])
    let attention = names(try frozen(graph, "block.*.attention"))
    #expect(attention.count == 10 && attention.allSatisfy { $0.contains(".attention.") })
    #expect(names(try frozen(graph, "block.0", "head")).count == 11)
    #expect(names(try frozen(graph, "*.down.weight")).count == 2)
    #expect(names(try frozen(graph, "b*k.1.*.gate.*")) == ["block.1.mixture.gate.weight"])
  }

  @Test func aPatternThatFitsNothingIsAnErrorThatTellsWhatThereIs() throws {
    let graph = try FamilyModel(.mixtral).graph()
    let error = #expect(throws: Diagnostic.self) { try frozen(graph, "token", "attention") }
    #expect(error?.message == "--freeze \"attention\": mixtral has no such parameter")
    #expect(error?.hint?.contains("block.*.attention.q.weight, ") == true)
  }

  @Test("What is frozen gets no gradient, and the others those that they had")
  func gradientsStay() throws {
    let graph = try FamilyModel(.qwen2MoE) { ($0.shared, $0.balance) = (8, 0.02) }.graph()
    let all = try Pipeline().run(graph)
    let part = try Pipeline().run(frozen(graph, "block.0.attention", "*.bias", "token"))
    let learned = gradients(all).subtracting(names(part))
    #expect(!learned.isEmpty && gradients(part) == learned)
    let whole = try Interpreter.onRandomTokens(all, seed: 3).run()
    let run = try Interpreter.onRandomTokens(part, seed: 3).run()
    for name in learned { #expect(run.gradient(of: name) == whole.gradient(of: name), "\(name)") }
  }

  /// A norm's kernel was called for nothing, with no place for what it makes.
  @Test("Of a norm whose bias alone learns, over what is frozen, nothing goes back but a sum")
  func biasOfNormAlone() throws {
    let (V, T) = (MoE.Axis("V", 7), MoE.Axis("T", 5))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 6))
    let graph = try LanguageModel.trace("bias", vocabulary: V, context: T, batch: B) { text in
      text.tokens.embedding("token", C).layerNorm("norm").linear("head", V)
    }
    let part = try Pipeline().run(
      frozen(graph, "token", "norm.weight"), options: PipelineOptions(omitted: ["DropUnused"]))
    #expect(!part.nodes.contains { $0.op.kind == .layerNormGradient })
    #expect(gradients(part) == ["norm.bias", "head.weight", "head.bias"])
  }

  /// A sum over no rows is none.
  @Test("So it is of a norm of one row, and the gradient is what comes back")
  func biasOfNormOfOneRow() throws {
    let (V, T) = (MoE.Axis("V", 7), MoE.Axis("T", 5))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 6))
    let graph = try LanguageModel.trace("row", vocabulary: V, context: T, batch: B) { text in
      let row = parameter("row", C, initial: .normal(1)).layerNorm("norm")
      return (text.tokens.embedding("token", C) * row).linear("head", V)
    }
    for pattern in ["norm.weight", "row", "token"] {
      let part = try Pass.differentiate.run(frozen(graph, "norm.weight", pattern))
      let results = try GradientCheck(part).results()
      #expect(results.allSatisfy { $0.relativeError < 1e-6 } && results.contains { !$0.isZero })
    }
  }

  /// What a softmax adds up to does not depend on what it is of: differences are rounding alone.
  @Test("A gradient that is zero in theory is right where nothing else learns")
  func zeroAlone() throws {
    let (V, T) = (MoE.Axis("V", 9), MoE.Axis("T", 8))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 8))
    let graph = try LanguageModel.trace("zero", vocabulary: V, context: T, batch: B) { text in
      let p = parameter("p", C, initial: .normal(1))
      return (text.tokens.embedding("token", C) * p.softmax().sum()).linear("head", V)
    }
    let part = try Pass.differentiate.run(frozen(graph, "token", "head"))
    let results = try GradientCheck(part).results()
    #expect(results.count == 1 && results.allSatisfy(\.isRight), "\(results)")
  }

  @Test("Each operand of any op has the gradient alone that it has beside others")
  func operandsAlone() throws {
    for sample in OpKind.allSamples {
      let names = sample.graph.parameters.map(\.parameter.name)
      let whole = try Interpreter.onRandomTokens(Pass.differentiate.run(sample.graph), seed: 2)
        .run()
      for name in names where whole.gradient(of: name) != nil {
        let others = names.filter { $0 != name }
        let alone = others.isEmpty ? sample.graph : try frozen(sample.graph, others)
        let run = try Interpreter.onRandomTokens(Pass.differentiate.run(alone), seed: 2).run()
        #expect(run.gradient(of: name) == whole.gradient(of: name), "\(sample): \(name)")
      }
    }
  }

  @Test("Backward ends where nothing behind it learns")
  func backwardEnds() throws {
    let graph = try FamilyModel(.llama) { $0.experts = 0 }.graph()
    let part = try Pipeline().run(frozen(graph, "token", "block.0"))
    let scopes = part.nodes.filter { $0.phase == .backward }.compactMap(\.layer?.scope)
    #expect(scopes.contains("block.1") && !scopes.contains("block.0"))
    let head = try Pipeline().run(frozen(graph, "token", "block", "final"))
    #expect(!head.nodes.contains { $0.op.kind == .linearInputGradient })
  }

  @Test("Biases alone may learn, and norms' biases alone", arguments: ["*.weight", "*norm.weight"])
  func biases(pattern: String) throws {
    let graph = try frozen(try MakeMoE("biases").graph(), pattern)
    let differentiated = try Pass.differentiate.run(graph)
    let results = try GradientCheck(differentiated).results()
    #expect(results.allSatisfy { $0.relativeError < 1e-6 } && results.contains { !$0.isZero })
    let whole = try Interpreter.onRandomTokens(
      Pass.differentiate.run(MakeMoE("biases").graph()), seed: 1
    ).run()
    let run = try Interpreter.onRandomTokens(differentiated, seed: 1).run()
    for name in gradients(differentiated) {
      let (a, b) = (run.gradient(of: name) ?? [], whole.gradient(of: name) ?? [])
      let largest: Double = zip(a, b).map { abs($0 - $1) }.max() ?? 1
      #expect(a.count == b.count && largest < 1e-12, "\(name)")
    }
  }

  @Test func whereAllIsFrozenNothingLearns() throws {
    let graph = try frozen(FamilyModel(.llama) { $0.experts = 0 }.graph(), "*")
    let error = #expect(throws: Diagnostic.self) { try Pipeline().run(graph) }
    #expect(error?.message.contains("learns nothing") == true)
    #expect(throws: Never.self) { try Pipeline(Pipeline.inference).run(graph) }
  }

  @Test("States go on by their rules, and a pattern does not mean them")
  func states() throws {
    let family = FamilyModel(.deepseekV3) {
      ($0.queryRank, $0.keyRank, $0.turnedDepth, $0.valueDepth) = (8, 6, 4, 5)
      ($0.experts, $0.chosen, $0.shared, $0.dense, $0.biasRate) = (4, 2, 8, 12, 0.01)
    }
    let graph = try family.graph()
    let frozen = try frozen(graph, "block.1.mixture")
    let bias = frozen.parameters.filter(\.parameter.isState).map(\.parameter)
    #expect(!bias.isEmpty && !bias.contains { $0.isFrozen })
    #expect(throws: Diagnostic.self) { try self.frozen(graph, bias[0].name) }
  }

  @Test func textsAndTheModelSayIt() throws {
    let (V, T, B, C) = (MoE.Axis("V", 5), MoE.Axis("T", 3), MoE.Axis("B", 2), MoE.Axis("C", 4))
    let model = { (patterns: [String]) in
      try LanguageModel.trace("frozen", vocabulary: V, context: T, batch: B, frozen: patterns) {
        $0.tokens.embedding("token", C).linear("up", C).linear("head", V)
      }
    }
    let graph = try model(["token", "*.bias"])
    #expect(names(graph) == ["token.weight", "up.bias", "head.bias"])
    #expect(try Graph(parsing: graph.text) == graph)
    #expect(graph.text.contains("init normal(1.0), frozen}"))
    let error = #expect(throws: ModelErrors.self) { try model(["up", "down"]) }
    #expect(error?.description.contains("frozen: \"down\": frozen has no such parameter") == true)
    var wrong = try Pass.differentiate.run(model([]))
    for (node, parameter) in wrong.parameters where parameter.name == "head.weight" {
      var parameter = parameter
      parameter.isFrozen = true
      wrong.nodes[node].op = .parameter(parameter)
    }
    #expect(throws: Diagnostic.self) { try Verifier.verify(wrong) }
  }
}
