/// How to find the forward value whose gradient a gradient op's result is.
public enum GradientTarget: Hashable, Sendable {
  /// It is the gradient op's own operand of that number.
  case operand(Int)

  /// It is the operand of that number of the forward op that made the operand `of`.
  case operandOfMaker(Int, of: Int)

  /// It is the operand of that number of the forward op that also reads the operand `of`.
  case operandOfReader(Int, of: Int)
}
