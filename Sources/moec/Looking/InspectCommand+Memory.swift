import GraphIR
import Planning
import Words

/// What the arena holds while a training step runs.
struct MemoryReport {
  private let plan: Plan

  init(_ plan: Plan) { self.plan = plan }

  /// A moment of a step: a layer's function, and the bytes of what is needed then or later.
  struct Moment {
    var name: String
    var saved: Int
    var gradients: Int
    var scratch: Int
    var live: Int { saved + gradients + scratch }
    var cells: [String] { [name] + [saved, gradients, scratch, live].map(\.grouped) }
  }

  /// Forward through all uses, then backward.
  var moments: [Moment] {
    let count = plan.uses.count
    return (0..<2 * count).map { time in
      let isForward = time < count
      let index = isForward ? time : 2 * count - 1 - time
      let use = plan.uses[index]
      let layer = plan.layers[use.layer]
      let scratch = isForward ? layer.forwardScratch : layer.backwardScratch
      return Moment(
        name: (isForward ? "forward " : "backward ") + (use.scope.isEmpty ? layer.name : use.scope),
        saved: savedBytes(at: time), gradients: edgeBytes(at: time, .gradient),
        scratch: scratch.map { $0.offset + $0.bytes }.max() ?? 0)
    }
  }

  /// Saved buffers live from their use's forward to its backward, activations as long as any reads. Where uses
  /// share some, as forward runs again, these are of one use at a time.
  private func savedBytes(at time: Int) -> Int {
    let last = 2 * plan.uses.count - 1
    let buffers = plan.uses.indices.filter { $0 <= time && time <= last - $0 }.map { index in
      let layer = plan.layers[plan.uses[index].layer]
      let isAtWork = time == index || time == last - index || plan.isLast(plan.uses[index])
      let kept = isAtWork ? Set(layer.saved.indices) : plan.own(of: layer)
      return kept.reduce(0) { $0 + layer.saved[$1].bytes }
    }
    return buffers.reduce(0, +) + edgeBytes(at: time, .activation)
  }

  private func edgeBytes(at time: Int, _ role: Edge.Role) -> Int {
    let count = plan.uses.count
    return plan.edges.indices.filter { plan.edges[$0].role == role }.reduce(0) { sum, edge in
      let times = plan.uses.indices.flatMap { use in
        (plan.uses[use].forwardEdges.contains(edge) ? [use] : [])
          + (plan.uses[use].backwardEdges.contains(edge) ? [2 * count - 1 - use] : [])
      }
      guard let first = times.min(), let last = times.max(), (first...last).contains(time)
      else { return sum }
      return sum + plan.edges[edge].bytes
    }
  }

  var text: String {
    let memory = plan.memory
    let moments = moments
    let most = max(moments.map(\.live).max() ?? 0, 1)
    let numbers = [["", "saved", "gradients", "scratch", "live"]] + moments.map(\.cells)
    // Bars take what is left of a line.
    let wide = Self.widths(numbers).reduce(0) { $0 + $1 + 2 }
    let bars = [0] + moments.map { $0.live * max(10, 79 - wide) / most }
    let rows = zip(numbers, bars).map { $0 + [String(repeating: "#", count: $1)] }
    let head = [
      "\(plan.graph.name): one arena of \(memory.total.grouped) bytes",
      "  for the model's whole life:", "    \(memory.lasting)", "  for a step:",
      "    \(memory.passing) with gradients between layers", "",
      "bytes in use, in the order of a step", "", "",
    ]
    return head.joined(separator: "\n") + Columns.text(rows) { $0 == 0 || $0 == rows[0].count - 1 }
      + "\n"
  }

  private static func widths(_ rows: [[String]]) -> [Int] {
    (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  }
}
