import CompiledModels
import GraphIR
import Testing

@testable import Passes

@Suite struct FuseAttentionTests {
  @Test func attentionIsRecognisedWithScaleAndDropout() throws {
    let operands = """
      forward
      \(parameter(0, "q", "B, T, C"))
      \(parameter(1, "k", "B, T, C"))
      \(parameter(2, "v", "B, T, C"))
      """
    let chain = """

      %3 = splitHeads(%0) {heads [H, D]} : f32[B, H, T, D]
      %4 = splitHeads(%1) {heads [H, D]} : f32[B, H, T, D]
      %5 = splitHeads(%2) {heads [H, D]} : f32[B, H, T, D]
      %6 = transpose(%4) : f32[B, H, D, T]
      %7 = matmul(%3, %6) : f32[B, H, T, T]
      %8 = pointwise(%7) {f 0.25 * x0} : f32[B, H, T, T]
      %9 = causalMask(%8) {fill "minusInfinity"} : f32[B, H, T, T]
      %10 = softmax(%9) : f32[B, H, T, T] @ "attention" m.swift:3:4
      %11 = pointwise(%10) {f x0 * keep(stream 7, rate 0.1)} : f32[B, H, T, T]
      %12 = matmul(%11, %5) : f32[B, H, T, D] @ "attention" m.swift:4:5
      %13 = mergeHeads(%12) {width [C]} : f32[B, T, C]
      %14 = sum(%13) {to []} : f32[]
      return loss %14
      """
    let fused = """

      %3 = attention(%0, %1, %2) {heads [H], scale 0.25, rate 0.1, stream 7} : f32[B, T, C], \
      f32[B, H, T], f32[B, H, T] @ "attention" m.swift:3:4
      %4 = splitHeads(%3) {heads [H, D]} : f32[B, H, T, D] @ "attention" m.swift:4:5
      %5 = mergeHeads(%4) {width [C]} : f32[B, T, C]
      %6 = sum(%5) {to []} : f32[]
      return loss %6
      """
    try expect(.fuseAttention.thenDropUnused, makes: operands + fused, of: operands + chain)
  }

  @Test func attentionWhoseWeightsAreUsedElsewhereStays() throws {
    var graph = try MakeMoE.small { $0.depth = 1 }.graph()
    #expect(try Pass.fuseAttention.run(graph).nodes.contains { $0.op.kind == .attention })
    let weights = try #require(graph.nodes.firstIndex { $0.op.kind == .causalMask }) + 1
    var g = GraphBuilder(graph)
    let total = g.emitOne(.sum(Sum(to: [])), [Value(node: weights)])
    let loss = try #require(graph[.loss])
    graph = g.graph
    graph.outputs = []
    g = GraphBuilder(graph)
    g.bind(.loss, to: g.add(loss, total))
    #expect(try Pass.fuseAttention.run(g.graph) == g.graph)
  }

  @Test func attentionWithoutScaleOrDropoutIsRecognised() throws {
    let graph = try Pass.fuseAttention.thenDropUnused.run(MakeMoE.small { $0.dropout = 0 }.graph())
    let kinds = Set(graph.nodes.map(\.op.kind))
    #expect(kinds.contains(.attention) && !kinds.contains(.causalMask))
    #expect(!kinds.contains(.mergeHeads) || !kinds.contains(.matmul))
  }

  /// Types alone do not tell queries from transposed queries where depth and length are one axis.
  @Test(arguments: ["transposeA, transposeB", "transposeA"])
  func productsOfOtherSidesAreNoScores(_ flags: String) throws {
    let text = """
      forward
      \(parameter(0, "q", "B, H, T, T"))
      \(parameter(1, "k", "B, H, T, T"))
      \(parameter(2, "v", "B, H, T, T"))
      %3 = transpose(%1) : f32[B, H, T, T]
      %4 = matmul(%0, %3) {\(flags)} : f32[B, H, T, T]
      %5 = causalMask(%4) {fill "minusInfinity"} : f32[B, H, T, T]
      %6 = softmax(%5) : f32[B, H, T, T]
      %7 = matmul(%6, %2) : f32[B, H, T, T]
      %8 = sum(%7) {to []} : f32[]
      return loss %8
      """
    try expect(.fuseAttention, makes: text, of: text)
  }
}
