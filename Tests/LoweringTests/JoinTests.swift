import CompiledModels
import GraphIR
import Lowering
import Testing

/// What becomes of products that read the same rows or are added up: programs before and after.
@Suite struct JoinTests {
  private static let sources = """
    program "joins"
    sequences B 2
    positions T 3
    axis C 4
    axis O 16
    axis V 5
    vocabulary V
    sources
    %0 = parameter {name "x", axes [B, T, C], init zeros}
    %1 = parameter {name "w", axes [O, C], init zeros} weight
    %2 = parameter {name "v", axes [O, C], init zeros} weight
    %3 = parameter {name "b", axes [O], init zeros} bias
    %4 = parameter {name "c", axes [O], init zeros} bias
    %5 = parameter {name "u", axes [V, C], init zeros} weight
    %6 = parameter {name "z", axes [B, T, O], init zeros}
    %7 = parameter {name "y", axes [B, T, C], init zeros}

    """

  private func program(_ calls: String) throws -> Program {
    try Program(parsing: Self.sources + calls + "\n")
  }

  /// One step of lowering turns calls into others.
  private func expect(_ step: String, makes after: String, of before: String) throws {
    var program = try program(before)
    let step = try #require(LoweringPipeline.steps.first { $0.name == step })
    step.run(&program)
    #expect(program.text == (try self.program(after)).text)
  }

  private func expect(_ step: String, leaves calls: String) throws {
    try expect(step, makes: calls, of: calls)
  }

  @Test("Products of the same rows become one call, each with its weights, bias, result and place")
  func products() throws {
    try expect(
      "JoinProducts",
      makes: """
        forward
        output %8 %10 = linear(rows %0, weights %1 %2, bias %3 %4) {bias} : f32[B, T, O], f32[B, T, O]; nodes 8 10; flops 12 12 @ "gate" m.swift:1:2, @ "up" m.swift:2:3
        output %9 = softmax(operand %8) : f32[B, T, O]; nodes 9; flops 1 0
        output %11 = pointwise(operand %9 %10) {f x0 * x1} : f32[B, T, O]; nodes 11; flops 1 0
        """,
      of: """
        forward
        output %8 = linear(rows %0, weights %1, bias %3) {bias} : f32[B, T, O]; nodes 8; flops 6 6 @ "gate" m.swift:1:2
        output %9 = softmax(operand %8) : f32[B, T, O]; nodes 9; flops 1 0
        output %10 = linear(rows %0, weights %2, bias %4) {bias} : f32[B, T, O]; nodes 10; flops 6 6 @ "up" m.swift:2:3
        output %11 = pointwise(operand %9 %10) {f x0 * x1} : f32[B, T, O]; nodes 11; flops 1 0
        """)
  }

  @Test("Last steps stay, each with the operands that it reads")
  func lastSteps() throws {
    try expect(
      "JoinProducts",
      makes: """
        forward
        output %8 %9 %10 = linear(rows %0, weights %1 %2 %1, extra %6 %6) then x0 * x1, none, x0 + x1 @ "sum" m.swift:4:1 : f32[B, T, O], f32[B, T, O], f32[B, T, O]; nodes 8 9 10; flops 18 18,,
        """,
      of: """
        forward
        output %8 = linear(rows %0, weights %1, extra %6) then x0 * x1 : f32[B, T, O]; nodes 8; flops 6 6
        output %9 = linear(rows %0, weights %2) : f32[B, T, O]; nodes 9; flops 6 6
        output %10 = linear(rows %0, weights %1, extra %6) then x0 + x1 @ "sum" m.swift:4:1 : f32[B, T, O]; nodes 10; flops 6 6
        """)
  }

  @Test("One whose last step reads what the first makes stays, and the next begin anew")
  func laterOperands() throws {
    try expect(
      "JoinProducts",
      makes: """
        forward
        output %8 = linear(rows %0, weights %1) : f32[B, T, O]; nodes 8; flops 6 6
        output %9 = softmax(operand %8) : f32[B, T, O]; nodes 9; flops 1 0
        output %10 %11 = linear(rows %0, weights %2 %1, extra %9) then x0 * x1 : f32[B, T, O], f32[B, T, O]; nodes 10 11; flops 12 12,
        """,
      of: """
        forward
        output %8 = linear(rows %0, weights %1) : f32[B, T, O]; nodes 8; flops 6 6
        output %9 = softmax(operand %8) : f32[B, T, O]; nodes 9; flops 1 0
        output %10 = linear(rows %0, weights %2, extra %9) then x0 * x1 : f32[B, T, O]; nodes 10; flops 6 6
        output %11 = linear(rows %0, weights %1) : f32[B, T, O]; nodes 11; flops 6 6
        """)
  }

  @Test(
    "Other rows, another shape, a bias, another layer or one between keep products apart",
    arguments: [
      "output %9 = linear(rows %7, weights %2) : f32[B, T, O]; nodes 9; flops 6 6",
      "output %9 = linear(rows %0, weights %5) : f32[B, T, V]; nodes 9; flops 6 6",
      "output %9 = linear(rows %0, weights %2, bias %3) {bias} : f32[B, T, O]; nodes 9; flops 6 6",
      "output %9 = linear(rows %0, weights %2) : f32[B, T, O]; nodes 9; flops 6 6 @ block[0] \"up\"",
      """
      output %10 = softmax(operand %0) : f32[B, T, C]; nodes 10; flops 1 0 @ block[0] ""
      output %9 = linear(rows %0, weights %2) : f32[B, T, O]; nodes 9; flops 6 6
      """,
    ])
  func apart(other: String) throws {
    let first = "output %8 = linear(rows %0, weights %1) : f32[B, T, O]; nodes 8; flops 6 6"
    try expect("JoinProducts", leaves: "forward\n\(first)\n\(other)")
  }

  @Test("Gradients that are added up become one product, and the sum keeps what else it adds")
  func sums() throws {
    try expect(
      "SumProducts",
      makes: Self.scaled + """
        rows %10 = linearInputGradient(gradient %8 %6, weights %1 %2) : f32[B, T, C]; nodes 9 10; flops 12 12 @ "gate", @ "up"
        output %11 = pointwise(operand %7 %10) {f x0 + x1} : f32[B, T, C]; nodes 11; flops 2 0
        """,
      of: Self.scaled + """
        rows %9 = linearInputGradient(gradient %6, weights %2) : f32[B, T, C]; nodes 9; flops 6 6 @ "up"
        rows %10 = linearInputGradient(gradient %8, weights %1) : f32[B, T, C]; nodes 10; flops 6 6 @ "gate"
        output %11 = pointwise(operand %7 %9 %10) {f x0 + x1 + x2} : f32[B, T, C]; nodes 11; flops 2 0
        """)
  }

  private static let scaled =
    "backward\noutput %8 = pointwise(operand %6) {f 2.0 * x0} : f32[B, T, O]; nodes 8; flops 1 0\n"

  @Test(
    "A gradient that something else reads, or that is not added, stays a product of its own",
    arguments: [
      "output %11 = pointwise(operand %9 %10) {f x0 + x1 * 2.0} : f32[B, T, C]; nodes 11; flops 2 0",
      """
      output %11 = pointwise(operand %9 %10) {f x0 + x1} : f32[B, T, C]; nodes 11; flops 2 0
      output %12 = softmax(operand %9) : f32[B, T, C]; nodes 12; flops 2 0
      """,
    ])
  func notAdded(readers: String) throws {
    try expect(
      "SumProducts",
      leaves: """
        backward
        rows %9 = linearInputGradient(gradient %6, weights %2) : f32[B, T, C]; nodes 9; flops 6 6
        rows %10 = linearInputGradient(gradient %6, weights %1) : f32[B, T, C]; nodes 10; flops 6 6

        """ + readers)
  }

  @Test("The whole way: gates and experts are one call each, an attention's projections one tensor")
  func models() throws {
    let plain = try #require(LoweringModels.all.first { $0.name == "gated, 12" })
    let calls = try LoweringPipeline.run(plain.graph).calls.filter { $0.layer != nil }
    let joined = calls.filter { $0.kernel.keepsPartsApart }
    func count(_ kind: OpKind, _ parts: Int, byExpert: Bool) -> Int {
      joined.filter {
        $0.op?.kind == kind && $0.kernel.partCount == parts && ($0[.start] != nil) == byExpert
      }.count
    }
    // In each of two blocks: keys, queries and values; gate, up, third; router, noise; experts.
    for kind in [OpKind.linear, .linearInputGradient] {
      #expect(count(kind, 3, byExpert: false) == 4, "\(kind)")
      #expect(count(kind, 2, byExpert: false) == 2, "\(kind)")
      #expect(count(kind, 2, byExpert: true) == 2, "\(kind)")
    }
    #expect(joined.contains { Set($0.kernel.finishes.keys) == [0, 2] })
    let makemoe = try LoweringPipeline.run(LoweringModels.all[0].graph).calls
    #expect(makemoe.contains { $0.kernel[.projections] != nil })
    #expect(makemoe.contains { $0.kernel.partCount == 3 && !$0.kernel.keepsPartsApart })
  }

  /// The calls of a model with three products of one attention in each of two blocks.
  private func calls(
    _ form: AttentionModel.Form, width: Int, heads: Int, omitting: Set<String> = []
  ) throws -> [Program.Call] {
    let model = AttentionModel(form) { ($0.C, $0.heads) = (width, heads) }
    let graph = try Pipelines.transformed(model.graph())
    let calls = try LoweringPipeline.run(graph, omitting: omitting).calls
    #expect(!calls.contains { [.splitHeads, .mergeHeads].contains($0.op?.kind) })
    return calls
  }

  private func rotaries(_ calls: [Program.Call]) -> [Rotary] {
    calls.compactMap { if case .rotary(let op) = $0.op { op } else { nil } }
  }

  @Test(
    "Queries and keys that are turned by position are parts of one tensor with the values",
    arguments: [AttentionModel.Form.rotary, .rotaryInterleaved, .all])
  func rotary(form: AttentionModel.Form) throws {
    let calls = try calls(form, width: 64, heads: 2)
    for kind in [OpKind.linear, .linearInputGradient, .linearWeightGradient] {
      let joined = calls.filter { $0.op?.kind == kind && $0.kernel.partCount == 3 }
      #expect(joined.count == 2 && joined.allSatisfy { !$0.kernel.keepsPartsApart }, "\(kind)")
    }
    let turns = rotaries(calls)
    #expect(turns.map(\.inverse).filter { $0 }.count == 2 && turns.count == 4)
    let (all, turned) = form == .all ? (8, 6) : (6, 4)
    #expect(turns.allSatisfy { $0.heads.size == all && $0.turned?.size == turned })
  }

  @Test(
    "Keys whose outputs are no whole panels stay apart from queries, and without the step all do")
  func apart() throws {
    let narrow = try calls(.all, width: 48, heads: 3)
    let omitted = try calls(.rotary, width: 64, heads: 2, omitting: ["JoinProjections"])
    for (calls, parts) in [(narrow, 2), (omitted, 3)] {
      for kind in [OpKind.linear, .linearInputGradient] {
        let joined = calls.filter { $0.op?.kind == kind && $0.kernel.partCount > 1 }
        #expect(joined.map(\.kernel.partCount) == [parts, parts], "\(kind)")
        #expect(joined.allSatisfy { $0.kernel.keepsPartsApart })
      }
      #expect(rotaries(calls).count == 8 && rotaries(calls).allSatisfy { $0.turned == nil })
    }
  }
}
