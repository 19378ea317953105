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
    let sizes = AttentionSizes(op, site.inputs, documents: site.documents)
    var y = [Double](repeating: 0, count: site.inputs[0].count)
    var (maximum, sum): ([Double], [Double]) = ([], [])
    for (matrix, (b, h)) in sizes.queries.places.enumerated() {
      var p = sizes.scores(site.floats(0), site.floats(1), b, h)
      for t in 0..<sizes.length {
        let sink = site.hasSinks ? [site.floats(3)[h]] : []
        let normaliser = Self.normaliser(sizes.seen(p, by: t, b) + sink)
        maximum.append(normaliser.maximum)
        sum.append(normaliser.sum)
        sizes.normalize(&p, row: t, of: b, by: normaliser)
      }
      let m = factors(op, site, matrix, sizes.length)
      let dropped = sizes.square(zip(m, p).map { $0 * $1 })
      sizes.queries.add(dropped, sizes.keyView(site.floats(2), b, h), to: &y, b, h)
    }
    let rows = [sizes.queries.sequences, sizes.queries.heads, sizes.length]
    return [
      TensorValue(site.inputs[0].shape, y), TensorValue(rows, maximum), TensorValue(rows, sum),
    ]
  }

  /// `AttentionGradient`: with ds = p (m (dy vᵀ) - δ), dq = scale ds k, dk = scale dsᵀ q.
  ///
  /// δ is Σ p m (dy vᵀ): what it takes away from the one weight that is not 0 is then exactly what
  /// there is, however large q and k are; Σ dy y would leave the rounding of other sums.
  func attentionGradient(_ gradient: AttentionGradient, _ site: Site) -> [TensorValue] {
    let op = gradient.attention
    let sizes = AttentionSizes(op, Array(site.inputs[2...4]), documents: site.documents)
    let (length, maximum, sum) = (sizes.length, site.floats(5), site.floats(6))
    var (dq, dk, dv) = (
      zeros(site.inputs[2].count), zeros(site.inputs[3].count), zeros(site.inputs[4].count)
    )
    for (matrix, (b, h)) in sizes.queries.places.enumerated() {
      let dy = sizes.queries.view(site.floats(0), b, h)
      let q = sizes.queries.view(site.floats(2), b, h)
      let (k, v) = (sizes.keyView(site.floats(3), b, h), sizes.keyView(site.floats(4), b, h))
      var p = sizes.scores(site.floats(2), site.floats(3), b, h)
      let slopes = sizes.slopes(p)
      for t in 0..<length {
        let row = matrix * length + t
        sizes.normalize(&p, row: t, of: b, by: (maximum[row], sum[row]))
      }
      let m = factors(op, site, matrix, length)
      let weights = sizes.square(zip(m, p).map { $0 * $1 })
      sizes.keys.add(weights.transposed, dy, to: &dv, b, h / sizes.group)

      var dp = zeros(length * length)
      multiply(dy, v.transposed, into: &dp)
      let dm = zip(m, dp).map { $0 * $1 }
      let delta = sizes.rowProducts(p, dm).map(reduced)
      let ds = dp.indices.map { op.scale * slopes[$0] * p[$0] * (dm[$0] - delta[$0 / length]) }
      sizes.queries.add(sizes.square(ds), k, to: &dq, b, h)
      sizes.keys.add(sizes.square(ds).transposed, q, to: &dk, b, h / sizes.group)
    }
    return zip(site.inputs[2...4], [dq, dk, dv]).map { TensorValue($0.shape, $1) }
  }

  /// `AttentionSinkGradient`: ds[h] = -Σ exp(s[h] - maximum) / sum Σ_d dy y.
  func attentionSinkGradient(_ site: Site) -> TensorValue {
    let sinks = site.floats(2)
    let sizes = HeadSizes(site.inputs[0], heads: sinks.count)
    let (dy, y, maximum, sum) = (site.floats(0), site.floats(1), site.floats(3), site.floats(4))
    var gradient = zeros(sinks.count)
    for (matrix, (b, h)) in sizes.places.enumerated() {
      for (t, row) in sizes.rows(b, h).enumerated() {
        let place = matrix * sizes.length + t
        let delta = row.reduce(0) { $0 + dy[$1] * y[$1] }
        gradient[h] -= exp(sinks[h] - maximum[place]) / sum[place] * delta
      }
    }
    return TensorValue(site.inputs[2].shape, gradient)
  }

  private func zeros(_ count: Int) -> [Double] { [Double](repeating: 0, count: count) }

  /// Dropout's factors for the weights of one sequence and head.
  private func factors(
    _ op: Attention, _ site: Site, _ matrix: Int, _ length: Int
  ) -> [Double] {
    if op.rate == 0 || mode == .evaluation {
      return [Double](repeating: 1, count: length * length)
    }
    let key = key(of: op.stream)
    let context = site.inputTypes[0].axes[1].size
    return (0..<length * length).map { place in
      let (t, u) = (place / length, place % length)
      let element = (matrix * length + t) * context + u
      return CounterRandom.keep(key, UInt32(truncatingIfNeeded: element), rate: op.rate)
    }
  }
}

extension Site {
  /// Whether attention has a score more for each head: numbers behind queries, keys and values.
  fileprivate var hasSinks: Bool { inputTypes.count > 3 && inputTypes[3].element == .f32 }

  /// Where the document of each position begins, of all sequences; empty: each is one document.
  fileprivate var documents: [Int32] {
    inputTypes.last?.element == .i32 ? integers(inputs.count - 1) : []
  }
}

/// Heads of queries, those of keys and values, and which scores count.
private struct AttentionSizes {
  let op: Attention
  let queries: HeadSizes
  let keys: HeadSizes
  let documents: [Int32]

  /// - Parameters:
  ///   - inputs: queries, keys and values.
  ///   - documents: where each position's begins; empty: a sequence is one.
  init(_ op: Attention, _ inputs: [TensorValue], documents: [Int32]) {
    self.op = op
    self.documents = documents
    queries = HeadSizes(inputs[0], heads: op.heads.size)
    keys = HeadSizes(inputs[1], heads: op.keyHeads.size)
  }

  var length: Int { queries.length }

  /// The heads that read the same keys.
  var group: Int { queries.heads / keys.heads }

  func keyView(_ x: [Double], _ b: Int, _ h: Int) -> MatrixView { keys.view(x, b, h / group) }

  func square(_ x: [Double]) -> MatrixView { MatrixView(x, rows: length, columns: length) }

  /// scale q kᵀ, capped, all keys.
  func scores(_ q: [Double], _ k: [Double], _ b: Int, _ h: Int) -> [Double] {
    var scores = [Double](repeating: 0, count: length * length)
    multiply(queries.view(q, b, h), keyView(k, b, h).transposed, into: &scores)
    guard let cap = op.softCap else { return scores.map { op.scale * $0 } }
    return scores.map { cap * tanh(op.scale * $0 / cap) }
  }

  /// What the cap makes of changes of scores.
  func slopes(_ scores: [Double]) -> [Double] {
    guard let cap = op.softCap else { return scores.map { _ in 1 } }
    return scores.map { 1 - ($0 / cap) * ($0 / cap) }
  }

  /// The scores of the keys that a query sees.
  func seen(_ scores: [Double], by t: Int, _ b: Int) -> [Double] {
    Array(scores[t * length + firstKey(t, b)...t * length + t])
  }

  private func firstKey(_ t: Int, _ b: Int) -> Int {
    let document = documents.isEmpty ? 0 : Int(documents[b * length + t])
    return min(max(document, op.window.map { t - $0 + 1 } ?? 0), t)
  }

  /// exp(score - maximum) / sum for the keys that the query sees, 0 for the others.
  func normalize(
    _ scores: inout [Double], row t: Int, of b: Int, by normaliser: (maximum: Double, sum: Double)
  ) {
    let first = firstKey(t, b)
    for u in 0..<length {
      let isSeen = first <= u && u <= t
      let power = isSeen ? exp(scores[t * length + u] - normaliser.maximum) : 0
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
