import GraphIR

extension Tensor {
  /// Cuts the last axis into heads.
  ///
  ///     y[b, h, t, d] = x[b, t, h D + d]    f32[B, T, C] -> f32[B, H, T, D], D = C / count
  ///
  /// The axes are called H and D, or H2, D2, … where those names have another size. Error: a count
  /// that does not divide the width.
  public func heads(
    _ count: Int, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("heads", file, line, column)
    guard let type else { return tracer.poison(call.site) }
    guard let width = type.axes.last, type.axes.count == 3 else {
      tracer.report(
        "expected a tensor [batch, time, width], got \(type)", call,
        hint: Tracer.usualHint("heads"))
      return tracer.poison(call.site)
    }
    guard count >= 1, width.size % count == 0 else {
      tracer.report(
        Self.doNotDivide(count, width), call,
        hint: "give a count by which the width can be divided, or change the width")
      return tracer.poison(call.site)
    }
    let heads = tracer.automaticAxis("H", count, call)
    let depth = tracer.automaticAxis("D", width.size / count, call)
    let split = SplitHeads(heads: heads, depth: depth)
    return tracer.tensor(.splitHeads(split), [self], call).keeping(width: width)
  }

  private static func doNotDivide(_ count: Int, _ width: GraphIR.Axis) -> String {
    if count < 1 { return "expected at least 1 head, got \(count)" }
    return "\(count) heads do not divide the width \(width.named)"
  }

  /// Puts the heads side by side again, along the very axis that `heads` cut.
  ///
  ///     y[b, t, h D + d] = x[b, h, t, d]    f32[B, H, T, D] -> f32[B, T, C]
  public func mergedHeads(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    merged(tracer.call("mergedHeads", file, line, column))
  }

  func merged(_ call: Call) -> Tensor {
    guard let type else { return tracer.poison(call.site) }
    guard let width = mergedWidth else {
      tracer.report(
        "expected a tensor [batch, heads, time, depth], got \(type)", call,
        hint: Tracer.usualHint("mergedHeads"))
      return tracer.poison(call.site)
    }
    return tracer.tensor(.mergeHeads(MergeHeads(width: width)), [self], call)
  }

  /// What heads side by side make: the axis that `heads` cut, or one of its own where a head has
  /// become wider or narrower since; nil for what has no heads.
  var mergedWidth: GraphIR.Axis? {
    guard let axes = type?.axes, axes.count == 4 else { return nil }
    if let width, width.size == axes[1].size * axes[3].size { return width }
    return axes[1] * axes[3]
  }

  /// The last two axes change places.
  ///
  ///     y[…, i, j] = x[…, j, i]    f32[…, M, N] -> f32[…, N, M]
  public func transposed(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("transposed", file, line, column)
    if let type, type.element != .f32 {
      tracer.report("expected a tensor of numbers, got \(type)", call)
      return tracer.poison(call.site)
    }
    return tracer.tensor(.transpose(Transpose()), [self], call).keeping(width: width)
  }

  /// The product of the matrices in the last two axes, for each position of the leading axes.
  ///
  ///     c = a b    a f32[…, M, K], b f32[…, K, N] -> f32[…, M, N]
  public func matmul(
    _ other: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("matmul", file, line, column)
    return tracer.tensor(.matmul(Matmul()), [self, other], call)
      .keeping(width: other.width ?? width)
  }

  /// Hides the keys after the query.
  ///
  ///     y[…, t, u] = x[…, t, u] for u ≤ t, else -∞    f32[…, T, T] -> f32[…, T, T]
  public func causalMasked(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("causalMasked", file, line, column)
    return tracer.tensor(.causalMask(CausalMask()), [self], call).keeping(width: width)
  }

  /// Positive numbers whose sum over the last axis is 1.
  ///
  ///     y = exp(x) / Σ exp(x)    f32[…, C] -> f32[…, C]
  public func softmax(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("softmax", file, line, column)
    return tracer.tensor(.softmax(Softmax()), [self], call).keeping(width: width)
  }
}

extension Tensor {
  /// Rotary positions: turns each pair of a head's numbers by an angle that grows with the position t.
  ///
  ///     a = t base^(-2 i / D)    y₁ = x₁ cos a - x₂ sin a    y₂ = x₂ cos a + x₁ sin a
  ///
  ///     f32[B, H, T, D] -> f32[B, H, T, D]
  ///
  /// Pair i < D / 2 is numbers i and i + D / 2, as weights of Llama and its kin at Hugging Face have it, or
  /// 2 i and 2 i + 1 if `interleaved`, as in Meta's and Mistral's own files. It is for queries and keys,
  /// before `attention`. With a scaling, for contexts longer than those of the first training, pairs turn by less.
  /// Errors: a head of odd width, an axis that is not the text's positions, a base that is not a number above 1, a
  /// scaling by a factor below 1.
  public func rotary(
    base: Double = 10_000, interleaved: Bool = false, scaling: PositionScaling? = nil,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("rotary", file, line, column)
    guard let axes = rotatedAxes(call) else { return tracer.poison(call.site) }
    let op = Rotary(
      heads: axes[1], base: base, interleaved: interleaved,
      scaling: scaling?.form(axes[3].size, base))
    let y = tracer.tensor(.rotary(op), [merged(call)], call)
    let split = SplitHeads(heads: axes[1], depth: axes[3])
    return tracer.tensor(.splitHeads(split), [y], call).keeping(width: width)
  }

  /// The axes of heads at the text's positions, or nil after reporting that there are none.
  private func rotatedAxes(_ call: Call) -> [GraphIR.Axis]? {
    guard let type else { return nil }
    guard type.axes.count == 4, type.element == .f32 else {
      tracer.report(
        "expected a tensor [batch, heads, time, depth], got \(type)", call,
        hint: Tracer.usualHint("rotary"))
      return nil
    }
    let positions = tracer.builder.graph.context
    guard type.axes[2] == positions else {
      tracer.report(
        "expected positions \(positions.named) before the last axis, got \(type)", call,
        hint: Tracer.usualHint("rotary"))
      return nil
    }
    return type.axes
  }
}
