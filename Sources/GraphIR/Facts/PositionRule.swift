/// When an op gives at each position what depends, in evaluation, on that position and on those before
/// it alone.
public enum PositionRule: Hashable, Sendable {
  /// Whatever its operands are, as long as the result has their positions.
  case apart

  /// Where none of these axes is of positions; else it does what the text says.
  case apartUnless([Axis], String)

  /// Where positions, if there are any, are that axis of its first operand.
  case apartAt(Int)

  /// As causal attention: where positions are the second axis of operands that have sequences first.
  case causal

  /// Never; it does what the text says.
  case joined(String)

  /// What most ops do that are not apart.
  public static let joins = "joins positions"
}
