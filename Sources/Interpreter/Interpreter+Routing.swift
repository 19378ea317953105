import GraphIR

extension Interpreter {
  /// `Top`: the K largest logits of each token, listed in ascending expert order.
  func top(_ op: Top, _ site: Site) -> [TensorValue] {
    let logits = site.inputs[0]
    var (values, indices): ([Double], [Int32]) = ([], [])
    for r in 0..<logits.rows {
      let row = Array(logits.row(r))
      // Stable by (value descending, index ascending): of equal logits the lower expert wins.
      let best = row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }.prefix(op.chosen.size)
      let replayed = site.replay?[r * op.chosen.size..<(r + 1) * op.chosen.size].map(Int.init)
      for expert in replayed ?? best.sorted() {
        values.append(row[expert])
        indices.append(Int32(expert))
      }
    }
    let shape = Array(logits.shape.dropLast()) + [op.chosen.size]
    return [TensorValue(shape, values), TensorValue(shape, integers: indices)]
  }

  /// `Gather`: of each row the numbers that its indices say.
  func gather(_ site: Site) -> TensorValue {
    let (x, indices) = (site.inputs[0], site.inputs[1])
    let values = indices.integers.enumerated().map { place, index in
      x.floats[place / indices.width * x.width + Int(index)]
    }
    return TensorValue(indices.shape, values)
  }

  /// `Scatter` and `TopGradient`: each row's numbers where its indices say, the others 0.
  func scattered(among experts: Axis, _ site: Site) -> TensorValue {
    let (x, width) = (site.inputs[0], experts.size)
    var y = [Double](repeating: 0, count: x.rows * width)
    for (place, index) in site.integers(1).enumerated() {
      y[place / x.width * width + Int(index)] = x.floats[place]
    }
    return TensorValue(x.shape.dropLast() + [width], y)
  }

  /// `Route`: (token, choice) pairs sorted by expert, as many of each expert's as its capacity lets it take.
  func route(_ op: Route, _ site: Site) -> [TensorValue] {
    let indices = site.inputs[0]
    let pairs = indices.integers
    let weights = op.readsWeights ? site.floats(1) : []
    var start: [Int32] = [0]
    var source: [Int32] = []
    var slot = [Int32](repeating: -1, count: pairs.count)
    for expert in 0..<op.experts.size {
      let owned = pairs.indices.filter { pairs[$0] == expert }
      for pair in kept(owned, op, weights, indices) {
        slot[pair] = Int32(source.count)
        source.append(Int32(pair / indices.width))
      }
      start.append(Int32(source.count))
    }
    source += [Int32](repeating: 0, count: pairs.count - source.count)
    return [
      TensorValue([start.count], integers: start),
      TensorValue([source.count], integers: source),
      TensorValue(indices.shape, integers: slot),
    ]
  }

  /// Those of an expert's pairs that it keeps, in order.
  private func kept(
    _ owned: [Int], _ op: Route, _ weights: [Double], _ indices: TensorValue
  ) -> [Int] {
    guard let capacity = op.capacity else { return owned }
    let all = indices.count
    let each = capacity.perSequence ? all / indices.shape[0] : all
    let limit = capacity.limit(choices: each, experts: op.experts.size)
    let rank = { (pair: Int) -> Double in
      switch capacity.order {
      case .position: return 0
      case .weight: return -weights[pair]
      case .choice:
        let token = pair / indices.width * indices.width
        return Double(
          (token..<token + indices.width).count {
            (-weights[$0], $0) < (-weights[pair], pair)
          })
      }
    }
    return stride(from: 0, to: all, by: max(each, 1)).flatMap { first in
      owned.filter { (first..<first + each).contains($0) }
        .sorted { (rank($0), $0) < (rank($1), $1) }.prefix(limit).sorted()
    }
  }

  /// `Kept`: whether each choice has a row.
  func kept(_ site: Site) -> TensorValue {
    TensorValue(site.inputs[0].shape, site.integers(0).map { $0 >= 0 ? 1 : 0 })
  }

  /// `Dispatch`: each row is its token's; rows that no pair owns are 0.
  func dispatch(_ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let (start, source) = (site.integers(1), site.integers(2))
    let used = Int(start[start.count - 1])
    var y = source.prefix(used).flatMap { x.row(Int($0)) }
    y += [Double](repeating: 0, count: (source.count - used) * x.width)
    return TensorValue([source.count, x.width], y)
  }

  /// `DispatchGradient`: each token's sum over its rows, in ascending expert order.
  func dispatchGradient(_ site: Site) -> TensorValue {
    let ones = [Double](repeating: 1, count: site.inputs[1].count)
    return Self.gathered(site.inputs[0], ones, slot: site.inputs[1])
  }

  /// `Combine`: each token's weighted sum over its rows.
  func combine(_ site: Site) -> TensorValue {
    Self.gathered(site.inputs[0], site.floats(1), slot: site.inputs[2])
  }

  /// y[n, :] = Σ_j weights[n, j] x[slot[n, j], :]; dropped choices add nothing.
  private static func gathered(
    _ x: TensorValue, _ weights: [Double], slot: TensorValue
  ) -> TensorValue {
    var y = [Double](repeating: 0, count: slot.rows * x.width)
    for (place, row) in slot.integers.enumerated() where row >= 0 {
      let first = place / slot.width * x.width
      for (column, element) in x.row(Int(row)).enumerated() {
        y[first + column] += weights[place] * element
      }
    }
    return TensorValue(slot.shape.dropLast() + [x.width], y)
  }

  /// `CombineGradient`: of the experts' rows and of the gate weights.
  func combineGradient(_ site: Site) -> [TensorValue] {
    let (dy, x, weights, slot) = (site.inputs[0], site.inputs[1], site.inputs[2], site.inputs[3])
    var dx = [Double](repeating: 0, count: x.count)
    var dWeights = [Double](repeating: 0, count: weights.count)
    for (place, row) in slot.integers.enumerated() where row >= 0 {
      let d = dy.row(place / slot.width)
      dWeights[place] = zip(d, x.row(Int(row))).reduce(0) { $0 + $1.0 * $1.1 }
      for (column, element) in d.enumerated() {
        dx[Int(row) * x.width + column] = weights.floats[place] * element
      }
    }
    return [TensorValue(x.shape, dx), TensorValue(weights.shape, dWeights)]
  }
}
