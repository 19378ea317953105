import Exchange

/// Which numbers of one of the folder's tensors are one of moec's, or one expert's part of it.
///
/// Number `i` of moec's, of axes `sizes`, is theirs at `from` plus the sum of index times stride over
/// the axes; all of them lie within `span` numbers from `from` on. The same says how to read and how to write.
struct TensorLink {
  var ours: String
  var ourShape: [Int]
  /// The index of our first axis that it is; nil: it is all of ours.
  var expert: Int?
  var theirs: String
  var theirShape: [Int]
  var from = 0
  var span: Int
  var sizes: [Int]
  var strides: [Int]

  var count: Int { sizes.reduce(1, *) }

  /// Which part of theirs it is among: links of one part take turns there, and fill it together.
  var block: Int {
    if isContiguous { return from }
    return expert.map { $0 * theirShape.dropFirst().reduce(1, *) } ?? 0
  }

  /// Whether ours are neighbours in theirs, in the same order.
  var isContiguous: Bool { span == count && strides == TensorLink.strides(of: sizes) }

  static func strides(of sizes: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: sizes.count)
    for axis in sizes.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * sizes[axis + 1]
    }
    return strides
  }

  /// Calls with the place in theirs, from `from` on, of each of ours in order.
  private func places(_ body: (_ ours: Int, _ theirs: Int) -> Void) {
    let rows = sizes.count > 1 ? sizes[0] : 1
    let columns = sizes.last ?? 1
    let rowStride = sizes.count > 1 ? strides[0] : 0
    let columnStride = strides.last ?? 1
    for row in 0..<rows {
      for column in 0..<columns {
        body(row * columns + column, row * rowStride + column * columnStride)
      }
    }
  }

  /// Ours out of the span of theirs.
  func gathered(_ span: [Float]) -> [Float] {
    var numbers = [Float](repeating: 0, count: count)
    span.withUnsafeBufferPointer { span in
      numbers.withUnsafeMutableBufferPointer { numbers in
        places { numbers[$0] = span[$1] }
      }
    }
    return numbers
  }

  /// Ours put among theirs, whose number `from` is at `start`.
  func scatter(_ numbers: [Float], into block: inout [Float], at start: Int) {
    numbers.withUnsafeBufferPointer { numbers in
      block.withUnsafeMutableBufferPointer { block in
        places { block[start + $1] = numbers[$0] }
      }
    }
  }
}

/// All links of a model, in the order in which tensors come.
struct TensorLinks {
  private(set) var links: [TensorLink] = []

  /// The same tensor; of theirs perhaps only the first rows.
  mutating func same(
    _ ours: String, _ theirs: String, _ shape: [Int], of theirShape: [Int]? = nil
  ) {
    links.append(
      TensorLink(
        ours: ours, ourShape: shape, theirs: theirs, theirShape: theirShape ?? shape,
        span: shape.reduce(1, *), sizes: [shape.reduce(1, *)], strides: [1]))
  }

  /// Ours [out, in] or [out] is columns `first ..< first + out` of theirs, [in, columns] or [columns].
  mutating func columns(
    _ ours: String, _ theirs: String, _ shape: [Int], from first: Int = 0, of columns: Int
  ) {
    let isMatrix = shape.count == 2
    links.append(
      TensorLink(
        ours: ours, ourShape: shape, theirs: theirs,
        theirShape: isMatrix ? [shape[1], columns] : [columns], from: first,
        span: isMatrix ? (shape[1] - 1) * columns + shape[0] : shape[0],
        sizes: shape, strides: isMatrix ? [1, columns] : [1]))
  }

  /// Ours [E, …] has a tensor of theirs for each expert.
  mutating func stacked(_ ours: String, _ shape: [Int], _ theirs: (Int) -> String) {
    let rest = Array(shape.dropFirst())
    for expert in 0..<shape[0] {
      links.append(
        TensorLink(
          ours: ours, ourShape: shape, expert: expert, theirs: theirs(expert), theirShape: rest,
          span: rest.reduce(1, *), sizes: [rest.reduce(1, *)], strides: [1]))
    }
  }

  /// Ours [E, …] lies in one tensor of theirs, each expert's numbers from a place of its own on.
  mutating func within(
    _ ours: String, _ shape: [Int], _ theirs: String, _ theirShape: [Int], from: Int = 0,
    strides: [Int]
  ) {
    let sizes = Array(shape.dropFirst())
    let expertSize = theirShape.dropFirst().reduce(1, *)
    let last = zip(sizes, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    for expert in 0..<shape[0] {
      links.append(
        TensorLink(
          ours: ours, ourShape: shape, expert: expert, theirs: theirs, theirShape: theirShape,
          from: expert * expertSize + from, span: last + 1, sizes: sizes, strides: strides))
    }
  }
}
