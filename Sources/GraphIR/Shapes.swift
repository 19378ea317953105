// Checks that shape rules share: each throws what was expected and what was given.

func expectCount(_ op: String, _ inputs: [TensorType], _ count: Int) throws(Mismatch) {
  guard inputs.count == count else {
    throw Mismatch("\(op): expected \(count) inputs, got \(inputs.count)")
  }
}

func expectFloat(_ op: String, _ types: TensorType...) throws(Mismatch) {
  for type in types where type.element != .f32 {
    throw Mismatch(
      "\(op): expected f32, got \(type)",
      hint: "whole numbers become vectors with .embedding(name, axis)")
  }
}

/// The axes of a product over which it sums must be one axis; two of one size are not.
func expectInner(
  _ op: String, _ a: Axis, _ b: Axis, hint: String = ""
) throws(Mismatch) {
  if a == b { return }
  guard a.size == b.size else {
    throw Mismatch("\(op): inner axes differ, \(a.named) and \(b.named)")
  }
  throw Mismatch(
    "\(op): inner axes \(a.named) and \(b.named) have the same size and are not the same axis",
    hint: "axes are the same when they are written alike: make both sides with \(a)\(hint)")
}

func expectInteger(_ op: String, _ type: TensorType) throws(Mismatch) {
  guard type.element == .i32 else { throw Mismatch("\(op): expected i32, got \(type)") }
}

func expectSame(
  _ op: String, _ what: String, _ expected: TensorType, _ given: TensorType
) throws(Mismatch) {
  guard expected == given else {
    throw Mismatch("\(op): \(what) must be \(expected), got \(given)")
  }
}

func expectRank(_ op: String, _ type: TensorType, atLeast rank: Int) throws(Mismatch) {
  guard type.axes.count >= rank else {
    throw Mismatch("\(op): expected at least \(rank) axes, got \(type)")
  }
}

extension TensorType {
  /// Whether a tensor of this type can be repeated along axes to become `other`: missing leading or
  /// trailing ones, or some between.
  ///
  /// Nothing is repeated along sorted rows: the gradient would be a sum over rows that no token owns
  /// where a capacity drops some.
  func broadcasts(to other: TensorType) -> Bool {
    if experts == other.experts && axes == other.axes { return true }
    guard experts == nil, other.experts == nil, axes.count < other.axes.count else { return false }
    return Repetition(of: axes, in: other.axes) != nil
  }
}
