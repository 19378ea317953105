import Foundation
import GraphIR

extension Interpreter {
  /// `SplitHeads`: y[b, h, t, d] = x[b, t, h D + d].
  func splitHeads(_ op: SplitHeads, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let sizes = HeadSizes(x, heads: op.heads.size)
    return TensorValue(
      [sizes.sequences, sizes.heads, sizes.length, sizes.depth],
      sizes.places.flatMap { b, h in sizes.rows(b, h).flatMap { x.floats[$0] } })
  }

  /// `MergeHeads`: y[b, t, h D + d] = x[b, h, t, d].
  func mergeHeads(_ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let (heads, length, depth) = (x.shape[1], x.shape[2], x.shape[3])
    let sizes = HeadSizes(
      sequences: x.shape[0], heads: heads, length: length, depth: depth)
    var y = [Double](repeating: 0, count: x.count)
    for (matrix, place) in sizes.places.enumerated() {
      for (t, target) in sizes.rows(place.0, place.1).enumerated() {
        y.replaceSubrange(target, with: x.row(matrix * length + t))
      }
    }
    return TensorValue([x.shape[0], length, heads * depth], y)
  }

  /// `Attention`: softmax(scale q kᵀ, causal) v per sequence and head, with dropout.
  func attention(_ op: Attention, _ site: Site) -> [TensorValue] {
    let sizes = HeadSizes(site.inputs[0], heads: op.heads.size)
    let context = site.inputTypes[0].axes[1].size
    var y = [Double](repeating: 0, count: site.inputs[0].count)
    var (maximum, sum): ([Double], [Double]) = ([], [])
    for (matrix, (b, h)) in sizes.places.enumerated() {
      var p = sizes.scores(site.floats(0), site.floats(1), b, h, op.scale)
      for t in 0..<sizes.length {
        let normaliser = Self.normaliser(p[t * sizes.length...t * sizes.length + t])
        maximum.append(normaliser.maximum)
        sum.append(normaliser.sum)
        sizes.normalize(&p, row: t, by: normaliser)
      }
      let m = factors(op.rate, op.stream, matrix, sizes.length, context)
      let dropped = sizes.square(zip(m, p).map { $0 * $1 })
      multiply(
        dropped, sizes.view(site.floats(2), b, h), into: &y, at: sizes.offset(b, h),
        rowStride: sizes.width)
    }
    let rows = [sizes.sequences, sizes.heads, sizes.length]
    return [
      TensorValue(site.inputs[0].shape, y), TensorValue(rows, maximum), TensorValue(rows, sum),
    ]
  }

  /// `AttentionGradient`: with ds = p (m (dy vᵀ) - δ), dq = scale ds k, dk = scale dsᵀ q.
  ///
  /// δ is Σ p m (dy vᵀ): what it takes away from the one weight that is not 0 is then exactly what
  /// there is, however large q and k are; Σ dy y would leave the rounding of other sums.
  func attentionGradient(_ op: AttentionGradient, _ site: Site) -> [TensorValue] {
    let sizes = HeadSizes(site.inputs[0], heads: op.heads.size)
    let context = site.inputTypes[0].axes[1].size
    let (length, maximum, sum) = (sizes.length, site.floats(5), site.floats(6))
    var dq = zeros(site.inputs[0].count)
    var (dk, dv) = (dq, dq)
    for (matrix, (b, h)) in sizes.places.enumerated() {
      let view = { sizes.view(site.floats($0), b, h) }
      let write = { (a: MatrixView, b: MatrixView, target: inout [Double], offset: Int) in
        multiply(a, b, into: &target, at: offset, rowStride: sizes.width)
      }
      var p = sizes.scores(site.floats(2), site.floats(3), b, h, op.scale)
      for t in 0..<length {
        let row = matrix * length + t
        sizes.normalize(&p, row: t, by: (maximum[row], sum[row]))
      }
      let m = factors(op.rate, op.stream, matrix, length, context)
      write(sizes.square(zip(m, p).map { $0 * $1 }).transposed, view(0), &dv, sizes.offset(b, h))

      var dp = zeros(length * length)
      multiply(view(0), view(4).transposed, into: &dp)
      let dm = zip(m, dp).map { $0 * $1 }
      let delta = sizes.rowProducts(p, dm)
      let ds = dp.indices.map { op.scale * p[$0] * (dm[$0] - delta[$0 / length]) }
      write(sizes.square(ds), view(3), &dq, sizes.offset(b, h))
      write(sizes.square(ds).transposed, view(2), &dk, sizes.offset(b, h))
    }
    return [dq, dk, dv].map { TensorValue(site.inputs[0].shape, $0) }
  }

  private func zeros(_ count: Int) -> [Double] { [Double](repeating: 0, count: count) }

  /// Dropout's factors for the weights of one sequence and head.
  private func factors(
    _ rate: Double, _ stream: Int, _ matrix: Int, _ length: Int, _ context: Int
  ) -> [Double] {
    if rate == 0 || mode == .evaluation {
      return [Double](repeating: 1, count: length * length)
    }
    let key = key(of: stream)
    return (0..<length * length).map { place in
      let (t, u) = (place / length, place % length)
      let element = (matrix * length + t) * context + u
      return CounterRandom.keep(key, UInt32(truncatingIfNeeded: element), rate: rate)
    }
  }
}

/// The sizes of [B, T, C] cut into heads, and where things lie.
private struct HeadSizes {
  var sequences: Int
  var heads: Int
  var length: Int
  var depth: Int

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

  func square(_ x: [Double]) -> MatrixView { MatrixView(x, rows: length, columns: length) }

  /// scale q kᵀ, all keys.
  func scores(
    _ q: [Double], _ k: [Double], _ b: Int, _ h: Int, _ scale: Double
  ) -> [Double] {
    var scores = [Double](repeating: 0, count: length * length)
    multiply(view(q, b, h), view(k, b, h).transposed, into: &scores)
    return scores.map { scale * $0 }
  }

  /// exp(score - maximum) / sum for the keys up to the query, 0 for the others.
  func normalize(
    _ scores: inout [Double], row t: Int, by normaliser: (maximum: Double, sum: Double)
  ) {
    for u in 0..<length {
      let power = u <= t ? exp(scores[t * length + u] - normaliser.maximum) : 0
      scores[t * length + u] = power / normaliser.sum
    }
  }

  /// Σ_u a b for each row of a square.
  func rowProducts(_ a: [Double], _ b: [Double]) -> [Double] {
    (0..<length).map { t in
      (t * length..<(t + 1) * length).reduce(0) { $0 + a[$1] * b[$1] }
    }
  }
}

extension HeadSizes {
  init(_ x: TensorValue, heads: Int) {
    self.init(
      sequences: x.shape[0], heads: heads, length: x.shape[1], depth: x.width / heads)
  }
}
