/// The sizes of [B, T, C] cut into heads, and where things lie.
struct HeadSizes {
  var sequences: Int
  var heads: Int
  var length: Int
  var depth: Int

  init(sequences: Int, heads: Int, length: Int, depth: Int) {
    (self.sequences, self.heads, self.length, self.depth) = (sequences, heads, length, depth)
  }

  init(_ x: TensorValue, heads: Int) {
    self.init(
      sequences: x.shape[0], heads: heads, length: x.shape[1], depth: x.width / heads)
  }

  var width: Int { heads * depth }

  /// Every (sequence, head), row-major.
  var places: [(Int, Int)] {
    (0..<sequences).flatMap { b in (0..<heads).map { (b, $0) } }
  }

  func offset(_ b: Int, _ h: Int) -> Int { b * length * width + h * depth }

  /// The elements of each time step of one head.
  func rows(_ b: Int, _ h: Int) -> [Range<Int>] {
    (0..<length).map { t in
      let first = offset(b, h) + t * width
      return first..<first + depth
    }
  }

  func view(_ x: [Double], _ b: Int, _ h: Int) -> MatrixView {
    MatrixView(x, offset: offset(b, h), rows: length, columns: depth, rowStride: width)
  }

  /// Adds a product to one head.
  func add(_ x: MatrixView, _ y: MatrixView, to target: inout [Double], _ b: Int, _ h: Int) {
    var product = [Double](repeating: 0, count: length * depth)
    multiply(x, y, into: &product)
    for (t, row) in rows(b, h).enumerated() {
      for c in 0..<depth { target[row.lowerBound + c] += product[t * depth + c] }
    }
  }
}
