/// The loads of all experts of a run over steps, a row for each expert.
struct LoadPanel {
  var label: String
  /// The first step of each column, and of what would follow the last.
  var edges: [Double]
  /// Steps whose mean each column shows, for a reader who points at it.
  var steps: [ClosedRange<Int>]
  /// Column, layer, expert: multiples of the fair share.
  var loads: [[[Double]]]

  var layers: Int { loads.first?.count ?? 0 }
  /// Experts of each layer.
  var experts: [Int] { loads.first?.map(\.count) ?? [] }
  var rows: Int { experts.reduce(0, +) }

  /// Space between layers.
  static let gap = 3.0

  /// Rows are as high as is good to look at, and never less than a pixel.
  var rowHeight: Double {
    let height = 320 / Double(max(rows, 1))
    return height >= 1 ? min(height.rounded(.down), 14) : 1
  }

  var height: Double { rowHeight * Double(rows) + Self.gap * Double(max(0, layers - 1)) }

  /// Where a layer begins, below the top.
  func top(ofLayer layer: Int) -> Double {
    rowHeight * Double(experts[..<layer].reduce(0, +)) + Self.gap * Double(layer)
  }

  /// Columns at most `limit`; where there are more records, a column is the mean of neighbours.
  init?(_ run: TrainingHistory, columns limit: Int) {
    let records = run.records.filter { $0.expertLoad != nil }
    guard let last = records.last else { return nil }
    label = run.label
    let count = (records.count + limit - 1) / limit
    let groups = stride(from: 0, to: records.count, by: count).map {
      Array(records[$0..<min($0 + count, records.count)])
    }
    steps = groups.map { ($0.first?.step ?? 0)...($0.last?.step ?? 0) }
    loads = groups.map(Self.mean)
    let middles = steps.map { Double($0.lowerBound + $0.upperBound) / 2 }
    let between = zip(middles, middles.dropFirst()).map { ($0 + $1) / 2 }
    let first = records[0].step
    edges = [Double(first)] + between + [Double(max(last.step, first + 1))]
  }

  private static func mean(_ records: [TrainingHistory.Record]) -> [[Double]] {
    let loads = records.compactMap(\.expertLoad)
    guard var sum = loads.first else { return [] }
    for load in loads.dropFirst() {
      for layer in sum.indices {
        for expert in sum[layer].indices { sum[layer][expert] += load[layer][expert] }
      }
    }
    return sum.map { layer in
      layer.map { $0 / Double(loads.count) * Double(layer.count) }
    }
  }
}
