/// The loads of all experts of a run over steps, a row for each expert.
struct LoadPanel {
  var label: String
  /// The run's number in its figure.
  var run = 0
  /// Where each column begins, and the last one ends.
  var edges: [Double]
  /// The step after which each column begins, and its last, for a reader who points at it.
  var steps: [ClosedRange<Int>]
  /// Column, layer, expert: multiples of the fair share.
  let loads: [[[Double]]]
  /// Experts of each layer.
  let experts: [Int]
  /// Rows of all layers before each, and of all: looked up, as a log may have thousands of layers.
  private let rowsBefore: [Int]

  var layers: Int { experts.count }
  var rows: Int { rowsBefore.last ?? 0 }

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
    rowHeight * Double(rowsBefore[layer]) + Self.gap * Double(layer)
  }

  /// A record tells of the steps since the record before it, and its column lies there. Columns are
  /// at most `limit`; where there are more records, a column is the mean of neighbours.
  init?(_ run: TrainingHistory, columns limit: Int) {
    let told = Self.told(run)
    if told.isEmpty { return nil }
    label = run.label
    let count = (told.count + limit - 1) / limit
    let groups = stride(from: 0, to: told.count, by: count).map {
      told[$0..<min($0 + count, told.count)]
    }
    steps = groups.map { ($0.first?.steps.lowerBound ?? 0)...($0.last?.steps.upperBound ?? 0) }
    loads = groups.map { Self.mean($0.map(\.load)) }
    experts = loads[0].map(\.count)
    rowsBefore = experts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    let first = Double(steps[0].lowerBound)
    edges = [first] + steps.map { max(Double($0.upperBound), first + 1) }
  }

  /// Loads, each with the steps that it is of; of no steps only if there is nothing else.
  private static func told(
    _ run: TrainingHistory
  ) -> [(steps: ClosedRange<Int>, load: [[Double]])] {
    var before: Int?
    let all = run.records.compactMap { record -> (steps: ClosedRange<Int>, load: [[Double]])? in
      defer { before = record.step }
      return record.expertLoad.map { ((before ?? record.step)...record.step, $0) }
    }
    let some = all.filter { $0.steps.count > 1 }
    return some.isEmpty ? all : some
  }

  /// The mean, in multiples of the fair share.
  private static func mean(_ loads: [[[Double]]]) -> [[Double]] {
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
