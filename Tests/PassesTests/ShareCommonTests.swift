import GraphIR
import Testing

@testable import Passes

@Suite struct ShareCommonTests {
  @Test func equalThingsAreComputedOnceWithinALayer() throws {
    let before = """
      forward
      \(parameter(0, "x", "C"))
      \(parameter(1, "y", "C"))
      %2 = pointwise(%0) {f normal(stream 1)} : f32[C]
      %3 = pointwise(%0) {f normal(stream 1)} : f32[C] @ block[0] "a"
      %4 = pointwise(%0) {f normal(stream 2)} : f32[C] @ block[0] "a"
      %5 = pointwise(%0) {f normal(stream 2)} : f32[C] @ block[0] "b"
      %6 = pointwise(%0) {f normal(stream 2)} : f32[C] @ block[1] "a"
      %7 = pointwise(%1, %2, %3, %4, %5, %6) {f x0 + x1 + x2 + x3 + x4 + x5} : f32[C]
      %8 = sum(%7) {to []} : f32[]
      return loss %8
      """
    let after = """
      forward
      \(parameter(0, "x", "C"))
      \(parameter(1, "y", "C"))
      %2 = pointwise(%0) {f normal(stream 1)} : f32[C]
      %3 = pointwise(%0) {f normal(stream 1)} : f32[C] @ block[0] "a"
      %4 = pointwise(%0) {f normal(stream 2)} : f32[C] @ block[0] "a"
      %5 = pointwise(%0) {f normal(stream 2)} : f32[C] @ block[1] "a"
      %6 = pointwise(%1, %2, %3, %4, %4, %5) {f x0 + x1 + x2 + x3 + x4 + x5} : f32[C]
      %7 = sum(%6) {to []} : f32[]
      return loss %7
      """
    try expect(.shareCommon, makes: after, of: before)
  }
}
