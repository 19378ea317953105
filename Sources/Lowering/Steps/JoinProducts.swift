import GraphIR

extension Program {
  /// Makes one call of products that read the same rows, as those of a gated unit do: each has weights,
  /// a result and a last step of its own.
  ///
  /// The rows are read once, the weights of one are fetched while another is made, and threads meet once
  /// where they met after each. That is 4 % of the time of a token of a model with SwiGLU, 1 % of a
  /// text's, and even of products as narrow as a router's and its noise some tenths of a percent.
  /// Products are joined where the first of them stands, if all that the others read is there by then.
  ///
  /// The gradients of the weights stay calls of their own: each has a gradient of its own to read, which
  /// is most of what it reads, and threads do not meet between them. A gated unit's product of both
  /// results stays too: it is no last step of either, and backward reads both.
  mutating func joinProducts() {
    let facts = ProgramFacts(self)
    var groups: [[Int]] = []
    var open: [RowsRead: Int] = [:]
    let stretches = stretches
    for (index, call) in calls.enumerated() {
      guard var rows = RowsRead(call, in: self, facts) else { continue }
      rows.stretch = stretches[index]
      let last = call.inputs.compactMap { facts.maker[$0] }.max() ?? -1
      if let group = open[rows], last < groups[group][0] {
        groups[group].append(index)
      } else {
        open[rows] = groups.count
        groups.append([index])
      }
    }
    for group in groups where group.count > 1 { join(group) }
    remove(Set(groups.flatMap { $0.dropFirst() }))
  }

  /// What products have in common that can be one call.
  private struct RowsRead: Hashable {
    var op: Op
    var rows: [Value?]
    var weights: TensorType
    var result: TensorType
    var stretch = 0

    /// The attention that reads the result, normed or turned by position or not: its three products stay
    /// among themselves.
    var attention: Int?

    init?(_ call: Call, in program: Program, _ facts: ProgramFacts) {
      guard case .linear = call.op, let op = call.op, let weights = call[.weights],
        let result = call.kernel.result(.output), call.kernel.partCount == 1
      else { return nil }
      self.op = op
      rows = [call[.rows], call[.source], call[.start]]
      self.weights = program.type(of: weights)
      self.result = program.type(of: result)
      attention = facts.readers(of: result).compactMap { program.attention(at: $0, facts) }.first
    }
  }

  /// The call, if it is an attention, or the attention that reads what the call norms or turns by position.
  private func attention(at index: Int, _ facts: ProgramFacts) -> Int? {
    let kind = calls[index].op?.kind
    if kind == .attention { return index }
    guard kind == .rotary || kind == .rmsNorm, let made = calls[index].results.first else {
      return nil
    }
    return facts.readers(of: made).compactMap { attention(at: $0, facts) }.first
  }

  /// Lets the first of some products make what the others do.
  private mutating func join(_ group: [Int]) {
    let first = group[0]
    let kernels = group.map { calls[$0].kernel }
    calls[first].kernel.operands.removeAll { $0.role == .extra }
    for role in [Role.weights, .bias] {
      calls[first].kernel.widen(role, by: kernels.compactMap { $0[role] })
    }
    calls[first].kernel.operands += kernels.flatMap { $0.all(.extra) }.map { .init(.extra, $0) }
    calls[first].kernel.results = kernels.flatMap(\.results)
    for (place, kernel) in kernels.enumerated() {
      calls[first].kernel.finishes[place] = kernel.finish
    }
    for other in group.dropFirst() { calls[first].join(calls[other]) }
  }
}

extension KernelCall {
  /// Gives a call several operands of a role where it has one.
  mutating func widen(_ role: Role, by contents: [Content]) {
    guard let place = operands.firstIndex(where: { $0.role == role }) else { return }
    operands.removeAll { $0.role == role }
    operands.insert(contentsOf: contents.map { .init(role, $0) }, at: place)
  }
}
