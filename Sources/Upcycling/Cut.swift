/// A part of a tensor: all of it, or some neighbouring places along one of its axes.
struct Cut: Equatable {
  /// The axis along which the part is smaller, if there is one.
  var axis: Int?
  /// How many such parts the tensor has.
  var count: Int

  /// Nil where the shape is not a whole part of the other.
  init?(_ part: [Int], outOf whole: [Int]) {
    guard part.count == whole.count else { return nil }
    let smaller = part.indices.filter { part[$0] != whole[$0] }
    guard smaller.count <= 1 else { return nil }
    guard let axis = smaller.first else {
      (self.axis, count) = (nil, 1)
      return
    }
    guard part[axis] > 0, part[axis] < whole[axis] else { return nil }
    // Of a part that is not a whole share of it, such as three quarters, there is one.
    (self.axis, count) = (axis, max(whole[axis] / part[axis], 1))
  }

  /// The places `range` along an axis of a row-major tensor.
  static func take(
    _ range: Range<Int>, along axis: Int, of numbers: [Float], _ shape: [Int]
  ) -> [Float] {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let (block, width) = (shape[axis] * inner, range.count * inner)
    var taken: [Float] = []
    taken.reserveCapacity(numbers.count / max(shape[axis], 1) * range.count)
    for start in stride(from: range.lowerBound * inner, to: numbers.count, by: block) {
      taken += numbers[start..<start + width]
    }
    return taken
  }
}
