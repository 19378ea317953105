import GraphIR

/// The tokens that a mean over tokens is of: those whose targets are not ignored.
///
/// All of them are routed, for what comes after them may depend on them; those from which nothing is
/// learned say nothing of how well experts share.
struct CountedTokens {
  /// 1 for those, 0 for the others, f32[B, T]; nil where rows are no tokens, and all of them count.
  let marks: Tensor?

  private let call: Call

  /// Those of which tensors f32[B, T, …] have rows.
  init(of tensors: [Tensor], _ call: Call) {
    self.call = call
    guard let tracer = tensors.first?.tracer, tensors.allSatisfy(\.hasRowsOfTokens) else {
      marks = nil
      return
    }
    marks = tracer.tensor(.counted(Counted()), [tracer.textTargets(call)], call)
  }

  /// How many rows of a tensor each token has; where rows are no tokens, all of them are one's.
  func rows(of tensor: Tensor) -> Int {
    let axes = (tensor.type?.axes ?? []).dropFirst(marks == nil ? 0 : 2).dropLast()
    return axes.reduce(1) { $0 * $1.size }
  }

  /// The sum over the rows that count.
  func sum(_ x: Tensor, to axes: [GraphIR.Axis]) -> Tensor { Self.sum(x, marks, axes, call) }

  /// The sum over the rows that count, divided by how many tokens of each group do.
  func mean(_ x: Tensor, to axes: [GraphIR.Axis], within group: [GraphIR.Axis] = []) -> Tensor {
    guard let marks else {
      let groups = group.reduce(1) { $0 * $1.size }
      let sum = x.sum(to: axes, call)
      return groups == 1 ? sum : sum.elementwise(.constant(Double(groups)) * .input(0), call)
    }
    let shares = marks.combining(
      .input(0) / Self.atLeastOne(1), [marks.sum(to: group, call)], call)
    return Self.sum(x, shares, axes, call)
  }

  /// A number times `factor`, divided by how many tokens count.
  func divided(_ number: Tensor, factor: Double) -> Tensor {
    let product = ScalarExpression.constant(factor) * .input(0)
    guard let marks else { return number.elementwise(product, call) }
    return number.combining(product / Self.atLeastOne(1), [marks.sum(to: [], call)], call)
  }

  private static func sum(
    _ x: Tensor, _ weights: Tensor?, _ axes: [GraphIR.Axis], _ call: Call
  ) -> Tensor {
    let weighed = weights.map { x.combining(.input(0) * .input(1), [$0], call) } ?? x
    return weighed.sum(to: axes, call)
  }

  /// Where no token counts, sums over them are 0, and so are means.
  private static func atLeastOne(_ input: Int) -> ScalarExpression {
    .binary(.maximum, .input(input), .constant(1))
  }
}

extension Text {
  /// Which targets count: 1 for those, 0 for those that are ignored, as -100 says of a target.
  ///
  ///     f32[B, T]
  ///
  /// For terms and states of your own, which see all positions otherwise:
  ///
  ///     let counted = text.counted()
  ///     let mean = (x * counted).sum(over: B, T) / max(counted.sum(), 1)      x f32[B, T, C] -> f32[C]
  ///
  /// No gradient passes. Error: logits that depend on it, as there are no targets where text is written.
  public func counted(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let tracer = tokens.tracer
    let call = tracer.call("counted", file, line, column)
    tracer.countedAt = tracer.countedAt ?? call.site
    return tracer.tensor(.counted(Counted()), [tracer.textTargets(call)], call)
  }
}

extension Tensor {
  /// Whether it is [B, T, …], and a tensor [B, T] would be repeated along the rest.
  fileprivate var hasRowsOfTokens: Bool {
    guard let axes = type?.axes else { return false }
    let tokens = [tracer.builder.graph.batch, tracer.builder.graph.context]
    return Repetition(of: tokens, in: axes)?.before == 2
  }
}
