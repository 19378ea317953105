/// Which elementwise step an op's kernel can do on its first result, block by block, while that is in
/// cache.
public enum LastStep: Hashable, Sendable {
  case none

  /// The sum with one other operand.
  case residual

  /// Any expression of the result and a few operands.
  case any
}
