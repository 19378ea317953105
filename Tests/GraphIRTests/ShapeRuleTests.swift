import Testing

@testable import GraphIR

@Suite("Shape rules")
struct ShapeRuleTests {
  static let (B, T, V, C, D) = (
    Axis("B", 2), Axis("T", 3), Axis("V", 7), Axis("C", 4), Axis("D", 5)
  )
  static let (E, K) = (Axis("E", 3), Axis("K", 2))
  static let x = TensorType.f32(B, T, C)
  static let rows = TensorType(.f32, [B * T * K, C], by: E)
  static let (start, source, slot) = (
    TensorType.i32(E.plusOne), TensorType.i32(B * T * K), TensorType.i32(B, T, K)
  )

  /// An op, inputs that it refuses, and what it says.
  struct Refusal: Sendable, CustomTestStringConvertible {
    var op: Op
    var inputs: [TensorType]
    var message: String
    var testDescription: String { message }

    init(_ op: Op, _ inputs: [TensorType], _ message: String) {
      self.op = op
      self.inputs = inputs
      self.message = message
    }
  }

  static let dense = [
    Refusal(.input(Input(.tokens, [B, T])), [x], "input: expected 0 inputs, got 1"),
    Refusal(.pointwise(Pointwise(.input(0))), [], "pointwise: expected at least one input"),
    Refusal(
      .pointwise(Pointwise(.input(1))), [x],
      "pointwise: expression uses more inputs than the 1 given"),
    Refusal(
      .pointwise(Pointwise(.input(0))), [.i32(B)], "pointwise: expected f32, got i32[B]"),
    Refusal(
      .pointwise(Pointwise(.input(0) + .input(1))), [x, .f32(B, T, D)],
      "elementwise: axes differ, f32[B, T, C] and f32[B, T, D]"),
    Refusal(
      .pointwise(Pointwise(.input(0) + .input(1))), [x, .f32(D)],
      "elementwise: axes differ, f32[B, T, C] and f32[D]"),
    Refusal(
      .pointwise(Pointwise(.input(0) + .input(1))), [rows, .f32(B * T * K, C)],
      "elementwise: rows sorted by expert do not meet unsorted rows, "
        + "f32[B·T·K, C] by E and f32[B·T·K, C]"),
    Refusal(
      .pointwise(Pointwise(.input(0) + .input(1))), [rows, .f32(C)],
      "elementwise: rows sorted by expert do not meet unsorted rows, "
        + "f32[B·T·K, C] by E and f32[C]"),
    Refusal(
      .sum(Sum(to: [T])), [x],
      "sum: f32[T] is not f32[B, T, C] without neighbouring axes"),
    Refusal(
      .sum(Sum(to: [C])), [rows],
      "sum: rows sorted by expert cannot be summed, got f32[B·T·K, C] by E"),
    Refusal(
      .embedding(Embedding()), [x, .f32(V, C)], "embedding: expected i32, got f32[B, T, C]"),
    Refusal(
      .embedding(Embedding()), [.i32(B, T), .f32(V)],
      "embedding: expected a table [entries, width], got f32[V]"),
    Refusal(
      .linear(Linear(bias: false)), [x, .f32(D, D)],
      "linear: inner axes differ, C (4) and D (5)"),
    Refusal(
      .linear(Linear(bias: true)), [x, .f32(D, C), .f32(C)],
      "linear: bias must be f32[D], got f32[C]"),
    Refusal(
      .linear(Linear(bias: true)), [x, .f32(D, C)], "linear: expected 3 inputs, got 2"),
    Refusal(
      .linear(Linear(bias: false)), [.scalar, .f32(D, C)],
      "linear: expected a tensor with at least one axis"),
    Refusal(
      .linear(Linear(bias: false)), [rows, .f32(D, C), start],
      "linear: f32[B·T·K, C] by E needs weights [E, out, in], got f32[D, C]"),
    Refusal(
      .linear(Linear(bias: false)), [rows, .f32(E, D, C), .i32(E)],
      "linear: start must be i32[E+1], got i32[E]"),
    Refusal(
      .matmul(Matmul()), [.f32(B, T, C), .f32(B, T, D)],
      "matmul: inner axes differ, C (4) and T (3)"),
    Refusal(
      .matmul(Matmul(transposeB: true)), [.f32(B, T, C), .f32(B, T, D)],
      "matmul: inner axes differ, C (4) and D (5)"),
    Refusal(
      .matmul(Matmul()), [.f32(B, T, C), .f32(E, C, D)],
      "matmul: leading axes differ, f32[B, T, C] and f32[E, C, D]"),
    Refusal(.matmul(Matmul()), [.f32(C), .f32(C)], "matmul: expected at least 2 axes, got f32[C]"),
    Refusal(
      .transpose(Transpose()), [rows],
      "transpose: rows sorted by expert must stay rows, got f32[B·T·K, C] by E"),
    Refusal(
      .layerNorm(LayerNorm()), [x, .f32(D), .f32(C)],
      "layerNorm: weight must be f32[C], got f32[D]"),
    Refusal(.softmax(Softmax()), [.scalar], "softmax: expected at least 1 axes, got f32[]"),
    Refusal(
      .crossEntropy(CrossEntropy()), [.f32(B, T, V), .i32(T)],
      "crossEntropy: targets must be i32[B, T], got i32[T]"),
  ]

  static let attention = [
    Refusal(
      .splitHeads(SplitHeads(heads: Axis("H", 3), depth: Axis("D", 1))), [x],
      "heads: 3 heads do not divide the width C (4)"),
    Refusal(
      .splitHeads(SplitHeads(heads: Axis("H", 2), depth: Axis("D", 2))), [.f32(T, C)],
      "heads: expected a tensor [batch, time, width], got f32[T, C]"),
    Refusal(
      .mergeHeads(MergeHeads(width: C)), [.f32(B, E, T, D)],
      "mergedHeads: E (3) heads of D (5) do not make C (4)"),
    Refusal(
      .rotary(Rotary(heads: Axis("H", 2), base: 100)), [.f32(B, E, T, C)],
      "rotary: expected a tensor [batch, time, width], got f32[B, E, T, C]"),
    Refusal(
      .rotary(Rotary(heads: Axis("H", 3), base: 100)), [x],
      "rotary: H (3) heads do not divide the width C (4)"),
    Refusal(
      .rotary(Rotary(heads: Axis("H", 4), base: 100)), [x],
      "rotary: a head of 1 numbers does not divide into pairs"),
    Refusal(
      .rotary(Rotary(heads: Axis("H", 2), base: 1)), [x],
      "rotary: the base must be a number above 1, got 1.0"),
    Refusal(
      .causalMask(CausalMask()), [x],
      "causalMasked: expected equal last axes [queries, keys], got f32[B, T, C]"),
    Refusal(
      .attention(Attention(heads: Axis("H", 3), scale: 1)), [x, x, x],
      "attention: H (3) heads do not divide the width C (4)"),
    Refusal(
      .attention(Attention(heads: Axis("H", 2), scale: 1)), [x, x, .f32(B, T, D)],
      "attention: values must be f32[B, T, C], got f32[B, T, D]"),
  ]

  static let mixture = [
    Refusal(
      .top(Top(chosen: Axis("K", 9))), [.f32(B, T, E)], "top: cannot choose 9 of E (3) experts"),
    Refusal(
      .top(Top(chosen: K)), [.scalar], "top: expected logits [..., experts], got f32[]"),
    Refusal(
      .route(Route(experts: E)), [.i32(T)], "route: expected indices [..., chosen], got i32[T]"),
    Refusal(
      .dispatch(Dispatch()), [.f32(B, C), start, source, slot],
      "routed: f32[B, C] does not fit the routing of B (2), T (3)"),
    Refusal(
      .dispatch(Dispatch()), [x, .i32(E), source, slot],
      "dispatch: start must have one entry more than experts, got i32[E]"),
    Refusal(
      .combine(Combine()), [x, .f32(B, T, K), slot],
      "combined: rows f32[B, T, C] do not fit the routing i32[B, T, K]"),
    Refusal(
      .combine(Combine()), [rows, .f32(B, T, E), slot],
      "combine: slots must be i32[B, T, E], got i32[B, T, K]"),
    Refusal(
      .combine(Combine()), [rows, .scalar, .i32()],
      "combined: rows f32[B·T·K, C] by E do not fit the routing i32[]"),
  ]

  @Test("Refused inputs are named", arguments: dense + attention + mixture)
  func refused(refusal: Refusal) {
    do {
      let types = try refusal.op.operation.infer(refusal.inputs)
      Issue.record("inferred \(types), expected: \(refusal.message)")
    } catch {
      #expect(error.message == refusal.message)
    }
  }

  @Test("No op traps on inputs of any number and rank", arguments: OpKind.allSamples)
  func anyInputs(sample: Sample) {
    let types = [
      Self.x, Self.rows, Self.start, Self.source, Self.slot, .scalar, .i32(), .f32(Self.C),
      .f32(Self.B, Self.T, Self.K), TensorType(.f32, [], by: Self.E),
    ]
    var numbers = RandomNumbers(state: 3)
    for node in sample.withGradientRules().graph.nodes {
      for _ in 0..<40 {
        let count = Int.random(in: 0..<7, using: &numbers)
        let inputs = (0..<count).compactMap { _ in types.randomElement(using: &numbers) }
        _ = try? node.op.operation.infer(inputs)
      }
    }
  }
}
