import GraphIR
import Interpreter

/// What the oracle gives for a trial, and with results as rough as single precision makes them.
struct OraclePair {
  let run: Run
  let rough: Run
  private let interpreter: Interpreter
  private let outputs: [Output]?

  init(_ interpreter: Interpreter, _ outputs: [Output]? = nil) throws {
    (self.interpreter, self.outputs) = (interpreter, outputs)
    run = try interpreter.run(outputs)
    rough = try Self.rough(interpreter, outputs, 0)
  }

  private static func rough(
    _ interpreter: Interpreter, _ outputs: [Output]?, _ draw: UInt64
  ) throws -> Run {
    var rougher = interpreter
    (rougher.precision, rougher.roughness) = (.roughlySingle, draw)
    return try rougher.run(outputs)
  }

  /// Further rough runs, one by one: a single one may happen to round well what matters most.
  var others: some Sequence<Run> {
    (1...8).lazy.compactMap { try? Self.rough(interpreter, outputs, $0) }
  }

  /// Whether rounding leaves the choice of experts alone, and the numbers fit single precision.
  var isDecided: Bool {
    min(smallestGap, smallestGapOfDropped) > Self.closeness && choices(run) == choices(rough)
      && isRepresentable
  }

  /// Scores of experts that none may choose are less than minus this.
  private static let excluded = 1e29

  /// Logits closer to each other than this, relative to the largest, may change places by rounding.
  private static let closeness = 3e-5

  /// The experts of each token, and which of them have room for it.
  private func choices(_ run: Run) -> [[Int32]] {
    tops(run).map { run[Value(node: $0, result: 1)].integers }
      + routes(run).map { run[Value(node: $0.node, result: 2)].integers }
  }

  /// Where weights decide which tokens an expert keeps.
  private func routes(_ run: Run) -> [(node: Int, op: Route)] {
    run.graph.nodes.indices.compactMap { node in
      guard case .route(let op) = run.graph.nodes[node].op, op.readsWeights,
        !run.values[node].isEmpty
      else { return nil }
      return (node, op)
    }
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
      // What none may choose is far below: that says nothing of the others, nor of how they are rounded.
      let rows = stride(from: 0, to: logits.count, by: experts).map {
        logits[$0..<$0 + experts].sorted(by: >)
      }
      let competing = rows.flatMap { $0.prefix(chosen) }.filter { abs($0) < Self.excluded }
      let scale = max(competing.largest, 1e-30)
      return rows.map { Self.gap($0, behind: chosen) / scale }.min() ?? .infinity
    }.min() ?? .infinity
  }

  /// How far the first that is not chosen is from the last that is. Zeros are zeros however one rounds, as those
  /// of a ReLU: of these the lower expert is chosen, and what counts is the nearest other number.
  private static func gap(_ row: [Double], behind chosen: Int) -> Double {
    let last = row[chosen - 1]
    guard last == 0, row[chosen] == 0 else { return last - row[chosen] }
    return row.map(abs).filter { $0 > 0 }.min() ?? .infinity
  }

  /// The least distance between the weights of a choice that its expert keeps and of one that it drops; where
  /// a token's first choices go first, that between the weights of a token of which something is dropped.
  private var smallestGapOfDropped: Double {
    routes(run).map { node, op in
      let inputs = run.graph.nodes[node].inputs
      let (experts, weights) = (run[inputs[0]].integers, run[inputs[1]].floats)
      let slots = run[Value(node: node, result: 2)].integers
      let scale = max(weights.largest, 1e-30)
      if op.capacity?.order == .choice {
        let chosen = run.graph.type(of: inputs[0]).width
        return slots.contains(-1) ? Self.gap(weights, inRowsOf: chosen) / scale : .infinity
      }
      let sequences = op.capacity?.perSequence == true ? run[inputs[0]].shape[0] : 1
      let each = max(slots.count / max(sequences, 1), 1)
      return Dictionary(grouping: slots.indices) { [Int(experts[$0]), $0 / each] }.values.map {
        pairs in
        let dropped = pairs.filter { slots[$0] < 0 }.map { weights[$0] }
        let kept = pairs.filter { slots[$0] >= 0 }.map { weights[$0] }
        return Self.gap(above: dropped, kept) / scale
      }.min() ?? .infinity
    }.min() ?? .infinity
  }

  /// How far the least that is kept is above the largest that is dropped. Equal numbers, of equal tokens, are equal
  /// however one rounds, and the first is kept: what counts is the nearest other number.
  private static func gap(above dropped: [Double], _ kept: [Double]) -> Double {
    guard let most = dropped.max(), let least = kept.min() else { return .infinity }
    if least > most { return least - most }
    let distances = (kept + dropped).map { abs($0 - least) }.filter { $0 > 0 }
    return least == most ? distances.min() ?? .infinity : least - most
  }

  /// The least distance between numbers of a row.
  private static func gap(_ numbers: [Double], inRowsOf width: Int) -> Double {
    stride(from: 0, to: numbers.count, by: width).flatMap { first in
      let row = numbers[first..<first + width].sorted()
      return zip(row.dropFirst(), row).map { $0 - $1 }
    }.min() ?? .infinity
  }

  private var isRepresentable: Bool {
    let limit = Double(Float.greatestFiniteMagnitude)
    return run.values.allSatisfy { results in
      results.allSatisfy { $0.floats.allSatisfy { abs($0) < limit || $0 == -.infinity } }
    }
  }
}
