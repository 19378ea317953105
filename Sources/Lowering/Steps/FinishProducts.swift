import GraphIR

extension Program {
  /// Where a pointwise call alone reads a product, it becomes the product's last step, applied to each
  /// block of the result while that is in cache.
  ///
  /// Products and the rows that combine's gradient makes take any last step; `combine` and a norm's
  /// gradient can add a residual.
  mutating func finishProducts() {
    let facts = ProgramFacts(self)
    var finished: Set<Int> = []
    for index in calls.indices {
      guard let product = calls[index].kernel.finishedResult, facts.outputs[product] == nil,
        let reader = facts.readers(of: product).first, facts.readers(of: product).count == 1,
        !finished.contains(reader),
        let (finish, extra) = finish(of: product, madeBy: index, reader, facts)
      else { continue }
      calls[index].kernel.finish = finish
      calls[index].kernel.operands += extra.map { .init(.extra, $0) }
      calls[index].kernel.results[0].content = calls[reader].results[0]
      calls[index].takeOver(calls[reader])
      finished.insert(reader)
    }
    remove(finished)
  }

  /// A pointwise call as a last step, if all else that it reads is there before the product.
  private func finish(
    of product: Value, madeBy maker: Int, _ reader: Int, _ facts: ProgramFacts
  ) -> (Finish, extra: [Value])? {
    let (home, user) = (calls[maker], calls[reader])
    guard case .pointwise(let op) = user.op, user.phase == home.phase, user.layer == home.layer,
      let place = user.inputs.firstIndex(of: product),
      home.kernel.takesAnyFinish || op.expression == Finish.sum,
      type(of: user.results[0]) == type(of: product), user.inputs.count <= Finish.mostOperands,
      op.expression.streams.count <= Finish.mostStreams
    else { return nil }
    let extra = user.inputs.indices.filter { $0 != place }
    for index in extra {
      let input = user.inputs[index]
      guard input != product, facts.maker[input] ?? -1 < maker, type(of: input) == type(of: product),
        op.expression.inputs.contains(index)
      else { return nil }
    }
    // The product is x0; what else is read follows in the order of the operands.
    let expression = op.expression.substituting { index in
      .input(index == place ? 0 : index < place ? index + 1 : index)
    }
    let finish = Finish(
      home.kernel.takesAnyFinish ? expression : Finish.sum, scope: user.scope,
      location: user.location)
    return (finish, extra.map { user.inputs[$0] })
  }
}

extension Finish {
  /// What kernels have room for: operands, the product included, and random streams.
  static let mostOperands = 4
  static let mostStreams = 2
}

extension KernelCall {
  /// The result that a last step works on; nil for a call that takes none.
  var finishedResult: Content? {
    guard let operation = op?.operation, operation.lastStep != .none else { return nil }
    return operation.resultRoles.first.flatMap(result)
  }

  /// Whether the last step may be any expression, not a residual alone.
  public var takesAnyFinish: Bool { op?.operation.lastStep == .any }
}
