import Testing

@testable import GraphIR

extension Sample {
  /// The sample's graph with the gradient rule of every node applied, each result being its own
  /// gradient; and for every rule the types of the operands and of their gradients.
  func withGradientRules() -> (graph: Graph, operands: [TensorType], gradients: [TensorType]) {
    var builder = GraphBuilder(graph)
    builder.phase = .backward
    var (operands, gradients): ([TensorType], [TensorType]) = ([], [])
    for (index, node) in graph.nodes.enumerated() {
      guard let op = node.op.forward else { continue }
      let results = graph.results(of: index)
      let site = GradientSite(
        inputs: node.inputs, results: results,
        gradients: results.map { graph.type(of: $0).element == .f32 ? $0 : nil })
      for (input, gradient) in zip(node.inputs, op.gradient(site, &builder)) {
        guard let gradient else { continue }
        operands.append(graph.type(of: input))
        gradients.append(builder.type(of: gradient))
      }
    }
    return (builder.graph, operands, gradients)
  }
}

@Suite("Gradient rules")
struct GradientRuleTests {
  @Test("A gradient has its operand's type, and integers have none", arguments: OpKind.allSamples)
  func types(sample: Sample) {
    let (_, operands, gradients) = sample.withGradientRules()
    #expect(gradients == operands)
    #expect(operands.allSatisfy { $0.element == .f32 })
  }

  @Test("Graphs with gradient ops verify, print and parse back", arguments: OpKind.allSamples)
  func text(sample: Sample) throws {
    let (graph, _, _) = sample.withGradientRules()
    try Verifier.verify(graph)
    #expect(try Graph(parsing: graph.text) == graph)
  }

  @Test("Every kind of op occurs in a sample or in its gradient")
  func coverage() {
    let kinds = OpKind.allSamples.flatMap { $0.withGradientRules().graph.nodes.map(\.op.kind) }
    #expect(Set(kinds) == Set(OpKind.allCases))
  }

  @Test("A result that the loss does not reach asks for no gradient", arguments: OpKind.allSamples)
  func unreached(sample: Sample) {
    for (index, node) in sample.graph.nodes.enumerated() {
      guard let op = node.op.forward else { continue }
      var builder = GraphBuilder(sample.graph)
      let results = sample.graph.results(of: index)
      let site = GradientSite(
        inputs: node.inputs, results: results, gradients: results.map { _ in nil })
      let gradients = op.gradient(site, &builder)
      #expect(gradients.count == node.inputs.count)
      #expect(gradients.allSatisfy { $0 == nil })
      #expect(builder.graph == sample.graph, "\(node.op.mnemonic) emitted nodes")
    }
  }
}
