import Benchmark
import GraphIR
import Lowering
import Planning

extension PageFacts {
  /// Layers, their calls and nodes, of the first use of each layer.
  mutating func addLayers(_ plan: Plan) {
    for (index, layer) in plan.layers.enumerated() {
      guard let use = plan.uses.first(where: { $0.layer == index }) else { continue }
      var numbers: [Int: Int] = [:]
      let parameterNodes = addParameters(of: use, layer, plan)
      let forward = addCalls(.forward, of: use, layer, plan, &numbers)
      let backward = addCalls(.backward, of: use, layer, plan, &numbers)
      connect(parameterNodes, to: forward + backward, of: layer)
      let scopes = plan.uses.filter { $0.layer == index }.map(\.scope)
      layers.append(
        LayerFacts(
          name: layer.name, uses: scopes.filter { !$0.isEmpty }, line: line(layer.location),
          file: files.firstIndex { $0.path == "\(layer.name).c" },
          parameters: layer.parameters.reduce(0) { $0 + ($1.update == .rule ? 0 : $1.type.count) },
          flops: [forward, backward].map { $0.reduce(0) { $0 + calls[$1].flops } },
          savedBytes: layer.saved.reduce(0) { $0 + $1.bytes },
          parameterNodes: parameterNodes, forward: forward, backward: backward, looseNodes: []))
    }
  }

  private mutating func addCalls(
    _ phase: Phase, of use: LayerUse, _ layer: Layer, _ plan: Plan, _ numbers: inout [Int: Int]
  ) -> [Int] {
    let planned = phase == .forward ? layer.forward : layer.backward
    let origins = phase == .forward ? use.forwardNodes : use.backwardNodes
    return zip(planned, origins).map { call, origins in
      let index = calls.count
      let nodeIndices = origins.map { node(plan.graph, $0, &numbers) }
      for node in nodeIndices { nodes[node].calls.append(index) }
      let cost = CallCost(call)
      calls.append(
        CallFacts(
          layer: use.layer, phase: phase.rawValue, title: call.action.name, scope: call.scope,
          formula: Formulas.formula(call), kernel: nil, line: line(call.location),
          nodes: nodeIndices, results: call.results.map { operand($0) },
          inputs: call.inputs.map { operand($0) }, flops: cost.flops, bytes: cost.bytes))
      return index
    }
  }

  /// The node's place among the facts, where it is put when it is first met.
  private mutating func node(
    _ graph: Graph, _ number: Int, _ numbers: inout [Int: Int]
  ) -> Int {
    if let known = numbers[number] { return known }
    numbers[number] = nodes.count
    return addNode(graph, number, phase: graph.nodes[number].phase.rawValue)
  }

  mutating func addNode(_ graph: Graph, _ number: Int, phase: String) -> Int {
    let node = graph.nodes[number]
    nodes.append(
      NodeFacts(
        number: number, op: node.op.mnemonic, detail: Formulas.detail(node.op),
        scope: Self.scopeInLayer(node), phase: phase, line: line(node.location),
        types: node.types.map { type($0) }, calls: [], formula: Formulas.formula(node.op),
        gradients: Formulas.gradients(node.op), text: graph.line(of: number)))
    return nodes.count - 1
  }

  /// `mixture.up` of `block.3.mixture.up`.
  static func scopeInLayer(_ node: Node) -> String {
    node.layer.map { String($0.local(node.scope)) } ?? node.scope
  }
}

extension PageFacts {
  private mutating func addParameters(of use: LayerUse, _ layer: Layer, _ plan: Plan) -> [Int] {
    let nodeOfName = Dictionary(
      plan.graph.parameters.map { ($0.parameter.name, $0.node) },
      uniquingKeysWith: { first, _ in first })
    return layer.parameters.indices.compactMap { index in
      let name = plan.parameters[use.firstParameter + index].name
      return nodeOfName[name].map { addNode(plan.graph, $0, phase: "parameter") }
    }
  }

  /// A parameter's calls are those that read it or compute its gradient.
  private mutating func connect(_ parameters: [Int], to numbers: [Int], of layer: Layer) {
    let planned = layer.forward + layer.backward
    for (index, node) in parameters.enumerated() {
      nodes[node].calls = zip(numbers, planned).filter { _, call in
        call.operands.contains { $0.place == .parameter(index) || $0.place == .gradient(index) }
      }.map(\.0)
    }
  }

  private mutating func operand(_ operand: Operand) -> OperandFacts {
    OperandFacts(
      name: operand.name, type: type(operand.type), place: operand.place.inWords,
      panels: operand.layout != .rowMajor)
  }

  /// A type's number, the same for equal types.
  mutating func type(_ type: TensorType) -> Int {
    let text = "\(type)"
    let sizes = type.shape.map(String.init).joined(separator: " × ")
    if let known = types.firstIndex(where: { $0.text == text && $0.sizes == sizes }) {
      return known
    }
    types.append(ValueType(text: text, sizes: sizes, bytes: type.bytes))
    return types.count - 1
  }

  /// The line of a location in the model's own source.
  func line(_ location: SourceLocation?) -> Int? {
    location.flatMap { $0.file == sourceName ? $0.line : nil }
  }
}

extension PageFacts {
  /// Nodes alone, by layer, where nothing is known of calls.
  mutating func addLooseNodes(_ graph: Graph) {
    var shown: [String: Int] = [:]
    var met: Set<String> = []
    for (number, node) in graph.nodes.enumerated() {
      if case .input = node.op { continue }
      let use = node.layer?.scope ?? ""
      let name = node.layer?.name ?? "outside of layers"
      let index = shown[name] ?? addLooseLayer(name)
      shown[name] = index
      if node.layer != nil && met.insert(use).inserted { layers[index].uses.append(use) }
      // All uses are alike but for their parameters' names: the first stands for all.
      guard layers[index].uses.first.map({ $0 == use }) ?? true else { continue }
      if case .parameter = node.op {
        layers[index].parameterNodes.append(addNode(graph, number, phase: "parameter"))
      } else {
        layers[index].looseNodes.append(addNode(graph, number, phase: node.phase.rawValue))
      }
    }
  }

  private mutating func addLooseLayer(_ name: String) -> Int {
    layers.append(
      LayerFacts(
        name: name, uses: [], line: nil, file: files.firstIndex { $0.path == "\(name).c" },
        parameters: 0, flops: [], savedBytes: 0, parameterNodes: [], forward: [], backward: [],
        looseNodes: []))
    return layers.count - 1
  }
}

extension Place {
  /// For a reader.
  public var inWords: String {
    switch self {
    case .source: "given by the caller"
    case .parameter: "parameter"
    case .gradient: "gradient of a parameter"
    case .borrowed: "parameter of another layer"
    case .saved: "saved for backward"
    case .scratch: "scratch"
    case .argument: "passed between layers"
    }
  }
}
