import GraphIR
import Testing

@testable import Passes

@Suite struct SimplifyTests {
  @Test func whatUndoesItselfGoes() throws {
    let before = """
      forward
      \(parameter(0, "x", "B, T, C"))
      %1 = splitHeads(%0) {heads [H, D]} : f32[B, H, T, D]
      %2 = mergeHeads(%1) {width [C]} : f32[B, T, C]
      %3 = transpose(%2) : f32[B, C, T]
      %4 = transpose(%3) : f32[B, T, C]
      %5 = transpose(%4) : f32[B, C, T]
      %6 = matmul(%4, %5) : f32[B, T, T]
      %7 = pointwise(%6, %6) {f x0 + x1} : f32[B, T, T]
      %8 = pointwise(%7, %6) {f x0} : f32[B, T, T]
      %9 = transpose(%8) : f32[B, T, T]
      %10 = matmul(%9, %3) {transposeB} : f32[B, T, C]
      %11 = sum(%10) {to [T, C]} : f32[T, C]
      %12 = sum(%11) {to [C]} : f32[C]
      %13 = sum(%12) {to []} : f32[]
      return loss %13
      """
    let after = """
      forward
      \(parameter(0, "x", "B, T, C"))
      %1 = matmul(%0, %0) {transposeB} : f32[B, T, T]
      %2 = pointwise(%1) {f x0 + x0} : f32[B, T, T]
      %3 = matmul(%2, %0) {transposeA} : f32[B, T, C]
      %4 = sum(%3) {to []} : f32[]
      return loss %4
      """
    try expect(.simplify.thenDropUnused, makes: after, of: before)
  }

  /// What reads the third norm's result besides has it as it was.
  @Test func normsOfHeadsLieInTheirRows() throws {
    let before = """
      forward
      \(parameter(0, "x", "B, T, C"))
      \(parameter(1, "w", "D"))
      %2 = splitHeads(%0) {heads [H, D]} : f32[B, H, T, D]
      %3 = rmsNorm(%2, %1) {epsilon 1e-05, weight} : f32[B, H, T, D], f32[B, H, T]
      %4 = mergeHeads(%3) {width [C]} : f32[B, T, C]
      %5 = splitHeads(%4) {heads [H, D]} : f32[B, H, T, D]
      %6 = rmsNorm(%5) {epsilon 1e-06} : f32[B, H, T, D], f32[B, H, T]
      %7 = mergeHeads(%6) {width [C]} : f32[B, T, C]
      %8 = splitHeads(%7) {heads [H, D]} : f32[B, H, T, D]
      %9 = rmsNorm(%8) {epsilon 1e-06} : f32[B, H, T, D], f32[B, H, T]
      %10 = mergeHeads(%9) {width [C]} : f32[B, T, C]
      %11 = sum(%9) {to []} : f32[]
      %12 = sum(%10) {to []} : f32[]
      %13 = pointwise(%11, %12) {f x0 * x1} : f32[]
      return loss %13
      """
    let after = """
      forward
      \(parameter(0, "x", "B, T, C"))
      \(parameter(1, "w", "D"))
      %2 = rmsNorm(%0, %1) {epsilon 1e-05, weight, heads [H, D]} : f32[B, T, C], f32[B, T, H]
      %3 = rmsNorm(%2) {epsilon 1e-06, heads [H, D]} : f32[B, T, C], f32[B, T, H]
      %4 = splitHeads(%3) {heads [H, D]} : f32[B, H, T, D]
      %5 = rmsNorm(%4) {epsilon 1e-06} : f32[B, H, T, D], f32[B, H, T]
      %6 = mergeHeads(%5) {width [C]} : f32[B, T, C]
      %7 = sum(%5) {to []} : f32[]
      %8 = sum(%6) {to []} : f32[]
      %9 = pointwise(%7, %8) {f x0 * x1} : f32[]
      return loss %9
      """
    try expect(.simplify.thenDropUnused, makes: after, of: before)
  }

  @Test func aTransposedProductSwapsItsOperands() throws {
    let before = """
      forward
      \(parameter(0, "a", "B, T, C"))
      \(parameter(1, "b", "B, C, D"))
      %2 = matmul(%0, %1) : f32[B, T, D]
      %3 = transpose(%2) : f32[B, D, T]
      %4 = sum(%3) {to []} : f32[]
      return loss %4
      """
    let after = """
      forward
      \(parameter(0, "a", "B, T, C"))
      \(parameter(1, "b", "B, C, D"))
      %2 = matmul(%1, %0) {transposeA, transposeB} : f32[B, D, T]
      %3 = sum(%2) {to []} : f32[]
      return loss %3
      """
    try expect(.simplify.thenDropUnused, makes: after, of: before)
  }

  /// Leading sums and trailing sums do not merge; a broadcast is no identity.
  @Test func whatIsNotAnIdentityStays() throws {
    let text = """
      forward
      \(parameter(0, "x", "B, T, C"))
      %1 = sum(%0) {to [B, T]} : f32[B, T]
      %2 = sum(%1) {to [T]} : f32[T]
      %3 = pointwise(%2, %0) {f x0} : f32[B, T, C]
      """
    let unread = "\n%4 = sum(%3) {to []} : f32[]\nreturn loss %4"
    // [T] is neither the beginning nor the end of [B, T, C], so repeating goes by way of [B, T].
    let repeated = text.replacing(
      "%3 = pointwise(%2, %0) {f x0} : f32[B, T, C]",
      with: "%3 = pointwise(%2, %1) {f x0} : f32[B, T]")
    try expect(.simplify, makes: repeated + unread, of: repeated + unread)
  }

  @Test func aTransposedProductThatIsReadOtherwiseStays() throws {
    let text = """
      forward
      \(parameter(0, "a", "B, T, C"))
      \(parameter(1, "b", "B, C, T"))
      %2 = matmul(%0, %1) : f32[B, T, T]
      %3 = transpose(%2) : f32[B, T, T]
      %4 = pointwise(%2, %3) {f x0 * x1} : f32[B, T, T]
      %5 = sum(%4) {to []} : f32[]
      return loss %5
      """
    try expect(.simplify, makes: text, of: text)
  }

  @Test(
    "The gradient of the loss alone is 1 without anything that holds a 1; of another, it is read")
  func lossGradient() throws {
    func graph(_ dLoss: String, _ last: String) -> String {
      """
      forward
      \(parameter(0, "x", "B, T, V"))
      %1 = input {kind "targets", axes [B, T]} : i32[B, T]
      %2 = crossEntropy(%0, %1) : f32[], f32[B, T], f32[B, T]
      backward
      \(dLoss)\(last) : f32[B, T, V]
      """
    }
    func text(_ factor: String) -> String {
      graph(
        "%3 = pointwise(%2) {f \(factor)} : f32[]\n",
        "%4 = crossEntropyGradient(%0, %2.1, %2.2, %1, %3)")
        + "\nreturn loss %2\nreturn gradient \"x\" %4"
    }
    let alone = graph("", "%3 = crossEntropyGradient(%0, %2.1, %2.2, %1)")
    try expect(
      .simplify.thenDropUnused, makes: alone + "\nreturn loss %2\nreturn gradient \"x\" %3",
      of: text("1.0"))
    try expect(.simplify.thenDropUnused, makes: text("2.0"), of: text("2.0"))
  }
}
