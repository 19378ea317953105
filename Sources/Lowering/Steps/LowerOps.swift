import GraphIR

extension Program {
  /// A call for every node that computes something, operands by role.
  ///
  /// The sizes that a pass may have less of are told from the model's constants (`PassSizes`); where a
  /// constant meets its namesake of the pass, a call of `fit` stands between.
  ///
  /// - Throws: a `Diagnostic` for a model that has no meaning for a shorter text.
  init(_ graph: Graph) throws(Diagnostic) {
    let sizes = try PassSizes(graph)
    let roles = sizes.graph.parameterRoles
    name = graph.name
    (sequences, positions) = (sizes.axes.sequences, sizes.axes.positions)
    vocabulary = graph.vocabulary
    (sources, calls, outputs, types) = ([], [], sizes.graph.outputs, [:])
    // Of the graph as it is: a copy of other extents between two ops hides that one masks for the other.
    let costs = graph.costs
    for (index, node) in sizes.graph.nodes.enumerated() {
      for value in sizes.graph.results(of: index) { types[value] = sizes.graph.type(of: value) }
      switch node.op {
      case .input, .parameter:
        sources.append(
          Source(
            value: Value(node: index), op: node.op, role: roles[index], scope: node.scope,
            location: node.location))
      case let op:
        let kernel = Self.kernel(op, node, index, sizes.graph)
        calls.append(
          Call(
            kernel: kernel, phase: node.phase, scope: node.scope, layer: node.layer,
            location: node.location, nodes: sizes.origins[index].sorted(),
            cost: sizes.origins[index].reduce(.none) { $0 + costs[$1] }))
      }
    }
    do throws(Recomputation) {
      try PositionCheck(sizes).check()
    } catch {
      recomputation = error
    }
    leaveOutUnreadGradients()
  }

  private static func kernel(
    _ op: Op, _ node: Node, _ index: Int, _ graph: Graph
  ) -> KernelCall<Value> {
    let node = node.readingOnlyWhatItUses
    let types = node.inputs.map(graph.type(of:))
    let operands = zip(op.operation.operandRoles(types), node.inputs).map {
      KernelCall<Value>.Binding($0, $1)
    }
    let results = zip(op.operation.resultRoles, graph.results(of: index)).map {
      KernelCall<Value>.Binding($0, $1)
    }
    let isFit = types.first.map { node.isFit(from: $0) } ?? false
    return KernelCall(isFit ? .fit : .op(node.op), operands, to: results)
  }

  /// Results that are made apart are made where they are read; a call of which nobody reads any makes the first.
  private mutating func leaveOutUnreadGradients() {
    let facts = ProgramFacts(self)
    for index in calls.indices where calls[index].op?.operation.rowSums.areApart == true {
      let read = calls[index].kernel.results.filter { facts.isRead($0.content) }
      calls[index].kernel.results =
        read.isEmpty ? Array(calls[index].kernel.results.prefix(1)) : read
    }
    dropUnmadeTypes()
  }
}

extension Node {
  /// A pointwise op without the operands that only give it its shape: a call does not read them.
  fileprivate var readingOnlyWhatItUses: Node {
    guard case .pointwise(let op) = op else { return self }
    let used = op.expression.inputs
    var node = self
    node.inputs = used.map { inputs[$0] }
    node.op = .pointwise(
      Pointwise(op.expression.substituting { .input(used.firstIndex(of: $0) ?? 0) }))
    return node
  }

  /// Whether the node only brings its operand to other extents of its axes.
  fileprivate func isFit(from type: TensorType) -> Bool {
    guard case .pointwise(let op) = op, op.expression == .input(0), inputs.count == 1 else {
      return false
    }
    return type.axes.count == types[0].axes.count && type.axes != types[0].axes
  }
}
