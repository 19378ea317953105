import GraphIR
import Testing

@testable import Passes

@Suite struct FusePointwiseTests {
  @Test func elementwiseChainsBecomeOneLoop() throws {
    let before = """
      forward
      \(parameter(0, "x", "T, C"))
      \(parameter(1, "y", "T, C"))
      %2 = pointwise(%0) {f normal(stream 3)} : f32[T, C]
      %3 = pointwise(%1) {f softplus(x0)} : f32[T, C]
      %4 = pointwise(%2, %3) {f x0 * x1} : f32[T, C]
      %5 = pointwise(%0, %4) {f x0 + x1} : f32[T, C]
      %6 = sum(%5) {to []} : f32[]
      return loss %6
      """
    let after = """
      forward
      \(parameter(0, "x", "T, C"))
      \(parameter(1, "y", "T, C"))
      %2 = pointwise(%0, %1) {f x0 + normal(stream 3) * softplus(x1)} : f32[T, C]
      %3 = sum(%2) {to []} : f32[]
      return loss %3
      """
    try expect(.fusePointwise.thenDropUnused, makes: after, of: before)
  }

  @Test func theOperandThatGivesTheShapeStays() throws {
    let before = """
      forward
      \(parameter(0, "x", "T, C"))
      \(parameter(1, "row", "C"))
      %2 = pointwise(%1, %0) {f x0} : f32[T, C]
      %3 = pointwise(%2) {f exp(x0)} : f32[T, C]
      %4 = sum(%3) {to []} : f32[]
      return loss %4
      """
    let after = """
      forward
      \(parameter(0, "x", "T, C"))
      \(parameter(1, "row", "C"))
      %2 = pointwise(%1, %0) {f exp(x0)} : f32[T, C]
      %3 = sum(%2) {to []} : f32[]
      return loss %3
      """
    try expect(.fusePointwise.thenDropUnused, makes: after, of: before)
  }

  /// Two uses; work that would be done twice; another type, with other random elements; another
  /// layer; a value that backward reads.
  @Test(arguments: [
    ("f32[T, C]", "pointwise(%2, %2) {f x0 * x1}", ""),
    ("f32[T, C]", "pointwise(%2) {f x0 * x0}", ""),
    ("f32[C]", "pointwise(%0, %2) {f x0 * x1}", ""),
    ("f32[T, C]", "pointwise(%2) {f x0 + 1.0}", "block[0]"),
  ])
  func whatWouldCostMoreStays(_ type: String, _ outer: String, _ scope: String) throws {
    let origin = scope.isEmpty ? "" : " @ \(scope) \"\""
    let text = """
      forward
      \(parameter(0, "x", "T, C"))
      \(parameter(1, "row", "C"))
      %2 = pointwise(\(type == "f32[C]" ? "%1" : "%0")) {f exp(x0)} : \(type)
      %3 = \(outer) : f32[T, C]\(origin)
      %4 = sum(%3) {to []} : f32[]
      return loss %4
      """
    try expect(.fusePointwise.thenDropUnused, makes: text, of: text)
  }

  @Test func forwardValuesThatBackwardReadsStay() throws {
    let graph = try Pass.differentiate.run(DifferentiateTests.residual)
    let fused = try Pass.fusePointwise.thenDropUnused.run(graph)
    // tanh(x) is read by its gradient, x + tanh(x) by nothing else: only backward is fused.
    #expect(fused.nodes.filter { $0.phase == .forward } == DifferentiateTests.residual.nodes)
    #expect(fused.nodes.count < graph.nodes.count)
  }
}
