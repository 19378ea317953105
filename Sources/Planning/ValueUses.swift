import GraphIR

/// Who computes and who reads each value: the facts on which places are decided.
struct ValueUses {
  let graph: Graph
  let finishes: [Int: Lowering.Finish]
  let joined: Set<Int>

  /// For each node, those of the graph before lowering.
  let origins: [[Int]]

  /// For each node, what these cost.
  let costs: [Cost]
  let partition: Partition

  /// The nodes that read each value, ascending.
  private(set) var readers: [Value: [Int]] = [:]

  /// The parameters whose gradient a value is.
  private(set) var gradientOf: [Value: [Int]] = [:]

  /// The parameters that have a gradient.
  private var learned: Set<Int> = []

  /// The caller's output that a value is.
  private(set) var output: [Value: Output] = [:]

  /// For each parameter node: the section that owns it.
  private(set) var owner: [Int: Int] = [:]

  /// What each parameter is to the model's own ops, by node.
  let roles: [Int: ParameterRole]

  /// How each parameter lies in memory, by node.
  private(set) var layouts: [Int: Layout] = [:]

  /// The parameters that each section owns, in order of creation.
  private(set) var owned: [[Int]]

  init(_ lowered: Lowering, _ partition: Partition) {
    graph = lowered.graph
    roles = lowered.roles
    finishes = lowered.finishes
    joined = lowered.joined
    origins = lowered.origins.map { $0.sorted() }
    costs = lowered.costs
    self.partition = partition
    owned = partition.sections.map { _ in [] }
    for (index, node) in graph.nodes.enumerated() {
      for input in node.inputs where readers[input]?.last != index {
        readers[input, default: []].append(index)
      }
    }
    recordOutputs()
    for (node, _) in graph.parameters {
      let sections = (readers[Value(node: node)] ?? []).compactMap { partition.sectionOfNode[$0] }
      owner[node] = sections.min() ?? 0
      owned[sections.min() ?? 0].append(node)
    }
    findLayouts()
  }

  private mutating func findLayouts() {
    var gradients: [Int: [Value]] = [:]
    for (gradient, parameters) in gradientOf {
      for parameter in parameters { gradients[parameter, default: []].append(gradient) }
    }
    for (node, _) in graph.parameters {
      layouts[node] = layout(ofParameter: node, gradients[node] ?? [])
    }
  }

  /// Whether backward computes a parameter's gradient.
  func hasGradient(_ node: Int) -> Bool { learned.contains(node) }

  private mutating func recordOutputs() {
    let nodeOfParameter = Dictionary(
      graph.parameters.map { ($0.parameter.name, $0.node) }, uniquingKeysWith: { first, _ in first }
    )
    for binding in graph.outputs {
      switch binding.output {
      case .logits, .loss: output[binding.value] = binding.output
      case .gradient(let name):
        guard let node = nodeOfParameter[name] else { continue }
        gradientOf[binding.value, default: []].append(node)
        learned.insert(node)
      }
    }
  }

  /// Checks that every gradient is computed in the section that owns its parameter, where it is stored.
  ///
  /// - Throws: what is not. A gradient that is just what comes back from the next layer, as for a
  ///   parameter of the shape of the activations, is not.
  func checkGradients() throws(Diagnostic) {
    let away = gradientOf.flatMap { value, parameters in
      parameters.filter { owner[$0] != section(of: value) }
    }
    guard let node = away.min(), case .parameter(let parameter) = graph.nodes[node].op else {
      return
    }
    throw Diagnostic(
      at: graph.nodes[node].location,
      "the gradient of \(parameter.name) is made in another layer than its own")
  }

  func section(of value: Value) -> Int? { partition.sectionOfNode[value.node] }

  func isParameter(_ value: Value) -> Bool { graph.nodes[value.node].op.kind == .parameter }

  /// Whether a value leaves the section that computes it.
  func isEdge(_ value: Value) -> Bool {
    guard let home = section(of: value) else { return false }
    if output[value] != nil { return true }
    return (readers[value] ?? []).contains { partition.sectionOfNode[$0] != home }
  }

  /// Whether a forward value stays within its section but is read when that has run: by backward, or
  /// because it tells what a router chose.
  func isSaved(_ value: Value) -> Bool {
    guard graph.nodes[value.node].phase == .forward, !isEdge(value) else { return false }
    return isRouting(value)
      || (readers[value] ?? []).contains { graph.nodes[$0].phase == .backward }
  }

  /// Whether a value is a router's choice of experts, their rows, the weights that it combines by, or
  /// what tells the optimizer which experts had rows: it asks even where no gradient does.
  private func isRouting(_ value: Value) -> Bool {
    let node = graph.nodes[value.node]
    if node.op.kind == .route {
      return value.result == 2
        || (readers[value] ?? []).contains { start(ofExperts: $0) == value }
    }
    return (readers[value] ?? []).contains { reader in
      let reading = graph.nodes[reader]
      return reading.op.kind == .route && node.op.kind == .top
        || reading.op.kind == .combine && reading.inputs[1] == value
    }
  }

  /// The first rows of the experts that a linear layer applies; nil for any other node.
  func start(ofExperts node: Int) -> Value? {
    let reading = graph.nodes[node]
    guard case .linear(let linear) = reading.op, reading.types[0].experts != nil else { return nil }
    return reading.inputs[linear.bias ? 3 : 2]
  }

  /// Whether a linear layer over rows by expert has a parameter for its weights or biases.
  func isExperts(_ parameter: Int, of node: Int) -> Bool {
    let reading = graph.nodes[node]
    guard case .linear(let linear) = reading.op else { return false }
    return reading.inputs[1].node == parameter
      || (linear.bias && reading.inputs[2].node == parameter)
  }

  /// The layout in which a parameter lives: panels where only linear layers use it.
  private func layout(ofParameter node: Int, _ gradients: [Value]) -> Layout {
    let value = Value(node: node)
    let type = graph.type(of: value)
    guard type.axes.count >= 2, let uses = readers[value],
      uses.allSatisfy({ isWeight(value, of: $0) })
    else { return .rowMajor }
    for gradient in gradients {
      guard gradientOf[gradient]?.count == 1, readers[gradient] == nil,
        gradient.result == 0 || joined.contains(gradient.node),
        graph.nodes[gradient.node].op.kind == .linearWeightGradient
      else { return .rowMajor }
    }
    return Self.panels(type)
  }

  /// Panels of a weight's type: [O, I], or [E, O, I] by expert.
  static func panels(_ type: TensorType) -> Layout {
    let axes = type.axes
    let stack = axes.dropLast(2).reduce(1) { $0 * $1.size }
    return .panels(
      stack: stack, outputs: axes[axes.count - 2].size, inputs: axes[axes.count - 1].size)
  }

  /// Whether a node reads a value as the weights of a linear layer and as nothing else.
  private func isWeight(_ value: Value, of node: Int) -> Bool {
    let kind = graph.nodes[node].op.kind
    guard kind == .linear || kind == .linearInputGradient else { return false }
    return graph.nodes[node].inputs.enumerated().allSatisfy {
      $0.element != value || $0.offset == 1 || ($0.offset > 1 && joined.contains(node))
    }
  }
}
