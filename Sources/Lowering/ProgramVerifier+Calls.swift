import GraphIR

// Roles.
extension ProgramVerifier {
  /// The roles are those of the op, in its order.
  func checkRoles(_ kernel: KernelCall<Value>) throws(Mismatch) {
    let op: Op
    switch kernel.action {
    case .op(let known): op = known
    case .fit:
      guard kernel.operands.map(\.role) == [.operand], kernel.results.map(\.role) == [.output]
      else { throw Mismatch("fit has one operand and one result") }
      return
    case .pack, .unpack, .copy: throw Mismatch("\(kernel.action.name) is for plans")
    }
    let roles = kernel.rolesOfOp
    let expected = op.operation.operandRoles(kernel.operandTypes { program.type(of: $0) })
    guard roles == expected else {
      throw Mismatch("expected operands \(Self.list(expected)), found \(Self.list(roles))")
    }
    try checkResultRoles(op, kernel)
  }

  private func checkResultRoles(_ op: Op, _ kernel: KernelCall<Value>) throws(Mismatch) {
    var expected = op.operation.resultRoles
    var found = kernel.results.map(\.role)
    if kernel[.projections] != nil, expected == Role.projected { expected = [.projections] }
    if op.operation.rowSums.areApart { expected.removeAll { !found.contains($0) } }
    if kernel.isProduct {
      let parts = max(kernel.results(.weights).count, kernel.results(.output).count, 1)
      expected = (0..<parts).flatMap { _ in expected }.sorted { $0.rawValue < $1.rawValue }
      found.sort { $0.rawValue < $1.rawValue }
    }
    guard found == expected else {
      throw Mismatch("expected results \(Self.list(expected)), found \(Self.list(found))")
    }
  }

  private static func list(_ roles: [Role]) -> String {
    roles.map(\.rawValue).joined(separator: ", ")
  }
}

extension KernelCall {
  /// The roles that the op knows: joined operands as one, gathered and extra ones left out.
  fileprivate var rolesOfOp: [Role] {
    var roles: [Role] = []
    for role in operands.map(\.role) {
      switch role {
      case .extra: break
      case _ where tellsRanksOnly(role): break
      case .source where gathersRows: break
      case _ where isProduct && roles.last == role: break
      case .projections: roles += Role.projected
      case _: roles.append(role)
      }
    }
    return roles
  }

  /// The types by which the op tells its roles: of gathered rows, that they are sorted.
  fileprivate func operandTypes(_ type: (Content) -> TensorType) -> [TensorType] {
    var types = operands.filter { $0.role != .extra && !tellsRanksOnly($0.role) }
      .map { type($0.content) }
    if let start = self[.start], !types.isEmpty, types[0].experts == nil,
      op?.operation.sortedRows != .sorts
    {
      types[0].experts = type(start).axes.first
    }
    return types
  }
}

// Types.
extension ProgramVerifier {
  /// Axes as the graph has them: whole, and not told from their namesakes.
  func plain(_ axis: Axis) -> Axis {
    var result = Axis(constant: axis.multiplier)
    for symbol in axis.symbols {
      switch symbol.extent {
      case .sequences: result = result * graph.batch
      case .positions: result = result * graph.context
      case .batch: result = result * graph.batch
      case .context: result = result * graph.context
      case .whole, .received: result = result * Axis(symbol.name, symbol.size)
      }
    }
    result = result / axis.divisor
    for _ in 0..<axis.offset { result = result.plusOne }
    return result
  }

  func plain(_ type: TensorType) -> TensorType {
    TensorType(type.element, type.axes.map(plain), by: type.experts.map(plain))
  }

  private func plainType(_ value: Value) -> TensorType { plain(program.type(of: value)) }

  /// The results' types are those that the op infers.
  func checkTypes(_ kernel: KernelCall<Value>) throws(Mismatch) {
    guard let op = kernel.op?.mappingAxes(plain) else { return try checkFit(kernel) }
    if kernel.keepsPartsApart { return try checkPartsApart(op, kernel) }
    if kernel.partCount > 1 { return try checkParts(op, kernel, kernel.partCount) }
    let given = kernel.results.map { plainType($0.content) }
    // What only gave a pointwise op its shape is no operand: the result's own shape stands for it.
    let shape = op.kind == .pointwise ? given : []
    let inferred = try op.operation.infer(inputTypes(kernel, op) + shape)
    let wanted = zip(op.operation.resultRoles, inferred).filter { role, _ in
      !op.operation.rowSums.areApart || kernel.result(role) != nil
    }.map(\.1)
    guard kernel.result(.projections) != nil, case .attentionGradient(let gradient) = op else {
      return try expect(wanted, given)
    }
    let one = wanted[1].axes.last ?? Axis(constant: 1)
    try expect([wanted[1].replacingLast(with: (gradient.attention.group + 2) * one)], given)
  }

  private func checkFit(_ kernel: KernelCall<Value>) throws(Mismatch) {
    let types = (kernel.operands + kernel.results).map { plainType($0.content) }
    guard types.count == 2, types[0] == types[1] else {
      throw Mismatch("fit makes \(types[1]) of \(types[0])")
    }
  }

  /// The types that the op is given: rows gathered, queries, keys and values apart.
  private func inputTypes(_ kernel: KernelCall<Value>, _ op: Op) -> [TensorType] {
    kernel.operands.flatMap { operand -> [TensorType] in
      let type = plainType(operand.content)
      switch operand.role {
      case .extra: return []
      case _ where kernel.tellsRanksOnly(operand.role): return []
      case .source where kernel.gathersRows: return []
      case .rows where kernel.gathersRows: return [gathered(kernel)]
      case .projections: return parts(of: type, kernel, op)
      case _: return [type]
      }
    }
  }

  /// The types of queries, keys and values side by side; queries are as what attention makes of them.
  private func parts(of all: TensorType, _ kernel: KernelCall<Value>, _ op: Op) -> [TensorType] {
    let attention: Attention? =
      switch op {
      case .attention(let op): op
      case .attentionGradient(let op): op.attention
      case _: nil
      }
    guard let attention, let width = all.axes.last else { return [all, all, all] }
    let keys = all.replacingLast(with: width / (attention.group + 2))
    let output = (kernel.result(.output) ?? kernel[.gradient]).map(plainType)
    let queries = attention.group == 1 ? keys : output ?? keys
    return [queries, keys, keys]
  }

  /// The type of gathered rows.
  private func gathered(_ kernel: KernelCall<Value>) -> TensorType {
    let types = [kernel[.rows], kernel[.source], kernel[.start]].map { value in
      value.map(plainType) ?? .scalar
    }
    var experts = types[2].axes.first
    experts?.offset = 0
    return TensorType(.f32, types[1].axes + types[0].axes.suffix(1), by: experts)
  }

  /// A product of several weights with a tensor for each is as many products of one size.
  private func checkPartsApart(_ op: Op, _ kernel: KernelCall<Value>) throws(Mismatch) {
    let count = kernel.partCount
    for role in [Role.weights, .bias, .gradient] {
      let found = kernel.all(role).count
      guard found == 0 || found == count else {
        throw Mismatch("\(count) products have \(found) operands \(role.rawValue)")
      }
    }
    guard op.kind != .linear || kernel.results(.output).count == count else {
      throw Mismatch("\(count) products have \(kernel.results.count) results")
    }
    let shapes = kernel.all(.weights).map { plainType($0).axes }
    guard Set(shapes).count == 1 else { throw Mismatch("weights of one call have one shape") }
    for part in 0..<count {
      let single = kernel.part(part)
      try expect(
        try op.operation.infer(inputTypes(single, op)), single.results.map { plainType($0.content) }
      )
    }
  }

  /// A product of several weights is as many products side by side.
  private func checkParts(
    _ op: Op, _ kernel: KernelCall<Value>, _ count: Int
  ) throws(Mismatch) {
    let gradients = kernel.results(.weights).map(plainType)
    let weights = op.kind == .linearWeightGradient ? gradients : kernel.all(.weights).map(plainType)
    guard let first = weights.first, first.axes.count == 2,
      weights.allSatisfy({ $0.axes.count == 2 && $0.axes[1].size == first.axes[1].size }),
      weights.allSatisfy({ $0.axes[0].size % Program.panelWidth == 0 })
    else {
      throw Mismatch("weights side by side have the same inputs, and outputs in whole panels")
    }
    let outputs = weights.reduce(0) { $0 + $1.axes[0].size }
    let rows = (kernel[.rows] ?? kernel[.gradient]).map(plainType) ?? .scalar
    let wide = op.kind == .linear ? kernel.result(.output) : kernel[.gradient]
    guard let wide, weights.count == count, plainType(wide).width == outputs,
      plainType(wide).axes.dropLast() == rows.axes.dropLast()
    else { throw Mismatch("\(count) parts of \(outputs) outputs do not lie side by side") }
    let width = op.kind == .linearInputGradient ? kernel.result(.rows) : kernel[.rows]
    guard let width, plainType(width).width == first.axes[1].size else {
      throw Mismatch("the rows have not the width of the weights \(first)")
    }
  }

  private func expect(_ wanted: [TensorType], _ given: [TensorType]) throws(Mismatch) {
    guard wanted == given else {
      let texts = [wanted, given].map { $0.map(\.description).joined(separator: ", ") }
      throw Mismatch("types are \(texts[1]), but the operands make \(texts[0])")
    }
  }
}

// Last steps.
extension ProgramVerifier {
  func checkFinish(_ kernel: KernelCall<Value>) throws(Mismatch) {
    let read = kernel.finishes.values.reduce(0) { $0 + $1.extraCount }
    let given = kernel.all(.extra).count
    guard given == read else {
      let last =
        kernel.finishes.isEmpty ? "without a last step" : "for last steps that read \(read)"
      throw Mismatch("\(given) extra operands \(last)")
    }
    for (place, finish) in kernel.finishesInOrder {
      try checkFinish(finish, ofResult: place, kernel)
    }
  }

  private func checkFinish(
    _ finish: Finish, ofResult place: Int, _ kernel: KernelCall<Value>
  ) throws(Mismatch) {
    guard kernel.finishedResult != nil, kernel.results.indices.contains(place),
      kernel.results[place].role == kernel.results[0].role
    else { throw Mismatch("\(kernel.action.name) takes no last step") }
    guard kernel.takesAnyFinish || finish.expression == Finish.sum else {
      throw Mismatch("\(kernel.action.name) can only add a residual, not \(finish.expression)")
    }
    let extra = kernel.extras(of: place)
    guard extra.count < Finish.mostOperands,
      finish.expression.inputs == Array(0...extra.count),
      finish.expression.streams.count <= Finish.mostStreams
    else { throw Mismatch("the last step \(finish.expression) has \(extra.count) extra operands") }
    let type = program.type(of: kernel.results[place].content)
    for operand in extra where program.type(of: operand) != type {
      throw Mismatch("\(operand) of the last step has not the type of the result")
    }
  }
}
