import Testing

@testable import GraphIR

/// What ops say of themselves, against what they do: over every sample of every op.
@Suite("Facts of ops")
struct FactTests {
  @Test("An op is of the kind that makes it", arguments: OpKind.allSamples)
  func kinds(sample: Sample) {
    for node in sample.withGradientRules().graph.nodes {
      #expect(node.op.operation.op == node.op)
      #expect(type(of: node.op.operation) == node.op.kind.type)
      #expect((node.op.forward == nil) != (node.op.gradient == nil))
    }
  }

  @Test("Every kind has a struct of its own")
  func types() {
    #expect(OpKind.allCases.map { $0.type.kind } == OpKind.allCases)
  }

  @Test("Every result has a name of its own", arguments: OpKind.allSamples)
  func names(sample: Sample) throws {
    for node in sample.graph.nodes {
      let names = try #require(node.op.forward).resultNames
      #expect(names.count == node.types.count, "\(node.op.mnemonic)")
      #expect(Set(names).count == names.count, "\(node.op.mnemonic)")
    }
  }

  @Test("There is a formula for gradients where there are gradients", arguments: OpKind.allSamples)
  func formulas(sample: Sample) throws {
    for (index, node) in sample.graph.nodes.enumerated() {
      let op = try #require(node.op.forward)
      #expect(op.gradientFormulas.isEmpty == !sample.hasGradient(index), "\(node.op.mnemonic)")
    }
  }

  @Test("What has a slope has a gradient", arguments: OpKind.allSamples)
  func slopes(sample: Sample) throws {
    for (index, node) in sample.graph.nodes.enumerated() {
      let slopes = try #require(node.op.forward).slopes(node.inputs.map(sample.graph.type(of:)))
      let gradients = sample.gradients(index).values
      #expect(slopes.allSatisfy { gradients[$0] != nil }, "\(node.op.mnemonic)")
    }
  }

  @Test("Streams are mapped, one that is not drawn from to 0", arguments: OpKind.allSamples)
  func streams(sample: Sample) {
    for node in sample.withGradientRules().graph.nodes {
      let (before, after) = (node.op.operation.streams, node.op.mappingStreams { $0 + 7 })
      #expect(after.operation.streams == before.map { StreamUse($0.stream + 7, $0.meaning) })
      #expect(after.kind == node.op.kind)
    }
    let silent = Attention(heads: Axis("H", 1), scale: 1, rate: 0, stream: 5)
    #expect(silent.mappingStreams { $0 + 7 }.stream == 0)
    #expect(silent.streams.isEmpty)
  }

  @Test("A gradient op knows whose gradients it computes", arguments: OpKind.allSamples)
  func targets(sample: Sample) throws {
    for (index, node) in sample.graph.nodes.enumerated() {
      let (graph, values) = sample.gradients(index)
      for (input, value) in zip(node.inputs, values) {
        guard let value, let gradient = graph.nodes[value.node].op.gradient else { continue }
        #expect(type(of: gradient).forward == node.op.kind)
        let operands = graph.nodes[value.node].inputs
        switch gradient.target(ofResult: value.result) {
        case .operand(let place): #expect(operands[place] == input)
        case .operandOfMaker(let place, let made):
          #expect(operands[made].node == index && node.inputs[place] == input)
        case .operandOfReader(let place, let read):
          #expect(node.inputs.contains(operands[read]) && node.inputs[place] == input)
        // A bias, or a table: known as the gradient of a parameter.
        case nil: #expect(node.op.forward?.rowOperands.contains(0) == true)
        }
      }
    }
  }

  @Test("The gradient of what all rows read is a sum over rows", arguments: OpKind.allSamples)
  func sums(sample: Sample) throws {
    for (index, node) in sample.graph.nodes.enumerated() {
      let rows = try #require(node.op.forward).rowOperands
      let (graph, values) = sample.gradients(index)
      for (operand, value) in values.enumerated() where !rows.contains(operand) {
        guard let value else { continue }
        let sums = graph.nodes[value.node].op.operation.rowSums
        let role = graph.nodes[value.node].op.operation.resultRoles[value.result]
        #expect(sums.areAll(of: [role]), "\(node.op.mnemonic) \(operand)")
      }
    }
  }

  @Test("Operands and results have a role each", arguments: OpKind.allSamples)
  func roles(sample: Sample) {
    let graph = sample.withGradientRules().graph
    for node in graph.nodes {
      let operation = node.op.operation
      let operands = operation.operandRoles(node.inputs.map(graph.type(of:)))
      #expect(operands.count == node.inputs.count, "\(node.op.mnemonic)")
      #expect(Set(operands).count == operands.count || Set(operands) == [.operand])
      #expect(operation.resultRoles.count == node.types.count, "\(node.op.mnemonic)")
      #expect(Set(operation.resultRoles).count == node.types.count, "\(node.op.mnemonic)")
    }
  }

  @Test("An op with other axes makes what it made, with other axes", arguments: OpKind.allSamples)
  func axes(sample: Sample) throws {
    let graph = sample.withGradientRules().graph
    for node in graph.nodes {
      let op = node.op.mappingAxes(\.renamed).operation
      let made = try op.infer(node.inputs.map { graph.type(of: $0).renamed })
      #expect(made == node.types.map(\.renamed), "\(node.op.mnemonic)")
    }
  }

  @Test("Where a pass is not shorter, ops need and make what they do", arguments: OpKind.allSamples)
  func extents(sample: Sample) throws {
    let graph = sample.withGradientRules().graph
    let axes = PassAxes(sequences: graph.batch, positions: graph.context)
    for node in graph.nodes where node.op.kind != .input {
      let plain = node.inputs.map(graph.type(of:))
      var pass = PassExtents(node, plain, given: plain.map(axes.whole), axes)
      var operation = node.op.operation
      #expect(try operation.reach(in: &pass) == node.types.map(axes.whole), "\(node.op.mnemonic)")
      #expect(pass.inputs == plain.map(axes.whole), "\(node.op.mnemonic)")
    }
  }

  @Test("Axes that meet have one size, and are those of operands", arguments: OpKind.allSamples)
  func meetings(sample: Sample) throws {
    for node in sample.graph.nodes {
      let types = node.inputs.map(sample.graph.type(of:))
      for meeting in try #require(node.op.forward).meetings(types) {
        #expect(meeting.allSatisfy { types[$0.operand].axes.indices.contains($0.axis) })
        #expect(Set(meeting.map { types[$0.operand].axes[$0.axis].size }).count == 1)
      }
    }
  }
}

extension Axis {
  /// The axis with other names for all of its symbols.
  fileprivate var renamed: Axis {
    var axis = self
    for index in axis.symbols.indices { axis.symbols[index].name += "x" }
    return axis
  }
}

extension TensorType {
  fileprivate var renamed: TensorType {
    TensorType(element, axes.map(\.renamed), by: experts?.renamed)
  }
}

extension Sample {
  /// The gradient rule of one node, each result being its own gradient.
  fileprivate func gradients(_ index: Int) -> (graph: Graph, values: [Value?]) {
    var builder = GraphBuilder(graph)
    builder.phase = .backward
    let results = graph.results(of: index)
    let site = GradientSite(
      inputs: graph.nodes[index].inputs, results: results,
      gradients: results.map { graph.type(of: $0).element == .f32 ? $0 : nil })
    let values = graph.nodes[index].op.forward?.gradient(site, &builder) ?? []
    return (builder.graph, values)
  }

  fileprivate func hasGradient(_ index: Int) -> Bool {
    gradients(index).values.contains { $0 != nil }
  }
}
