import GraphIR
import Interpreter

/// What the oracle gives for a trial, and with results as rough as single precision makes them.
struct OraclePair {
  let run: Run
  let rough: Run

  init(_ interpreter: Interpreter, _ outputs: [Output]? = nil) throws {
    run = try interpreter.run(outputs)
    var rougher = interpreter
    rougher.precision = .roughlySingle
    rough = try rougher.run(outputs)
  }

  /// Whether rounding leaves the choice of experts alone, and the numbers fit single precision.
  var isDecided: Bool {
    smallestGap > Self.closeness && choices(run) == choices(rough) && isRepresentable
  }

  /// Logits closer to each other than this, relative to the largest, may change places by rounding.
  private static let closeness = 3e-5

  private func choices(_ run: Run) -> [[Int32]] {
    tops(run).map { run[Value(node: $0, result: 1)].integers }
  }

  private func tops(_ run: Run) -> [Int] {
    run.graph.nodes.indices.filter {
      if case .top = run.graph.nodes[$0].op { !run.values[$0].isEmpty } else { false }
    }
  }

  /// The least distance between an expert that is chosen and one that is not.
  private var smallestGap: Double {
    tops(run).map { node in
      let logits = run[run.graph.nodes[node].inputs[0]].floats
      let chosen = run.graph.type(of: Value(node: node)).width
      let experts = run.graph.type(of: run.graph.nodes[node].inputs[0]).width
      guard chosen < experts else { return .infinity }
      let scale = max(logits.largest, 1e-30)
      return stride(from: 0, to: logits.count, by: experts).map { first in
        let row = logits[first..<first + experts].sorted(by: >)
        return Self.gap(row, behind: chosen) / scale
      }.min() ?? .infinity
    }.min() ?? .infinity
  }

  /// How far the first that is not chosen is from the last that is. Zeros are zeros however one rounds, as those
  /// of a ReLU: of these the lower expert is chosen, and what counts is the nearest other number.
  private static func gap(_ row: [Double], behind chosen: Int) -> Double {
    let last = row[chosen - 1]
    guard last == 0, row[chosen] == 0 else { return last - row[chosen] }
    return row.map(abs).filter { $0 > 0 }.min() ?? .infinity
  }

  private var isRepresentable: Bool {
    let limit = Double(Float.greatestFiniteMagnitude)
    return run.values.allSatisfy { results in
      results.allSatisfy { $0.floats.allSatisfy { abs($0) < limit || $0 == -.infinity } }
    }
  }
}
