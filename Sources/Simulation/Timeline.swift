import GraphIR
import Planning

/// What one rank does in an update: it computes, and exchanges what the table says.
public struct Timeline: Hashable, Sendable {
  enum Event: Hashable, Sendable {
    case compute(seconds: Double)

    /// So many bytes to and from each of `count` ranks, `stride` apart, of which the rank itself is one.
    case start(ticket: Int, bytes: Int, count: Int, stride: Int)
    case wait(ticket: Int)
  }

  private(set) var events: [Event] = []
  private let ranks: Int
  private let pace: Pace

  /// Seconds in which one rank alone computes the same update.
  let alone: Double

  /// Bytes that a rank sends in all.
  private(set) var sent = 0

  /// - Parameter batches: of each rank, for an update.
  public init(_ plan: Plan, ranks: Int, batches: Int, pace: Pace) {
    (self.ranks, self.pace) = (ranks, pace)
    let all = ranks * batches
    let numbers = plan.ranges.reduce(0) { $0 + $1.count }
    alone = Double(all) * pace.batch + Double(all - 1) * pace.sum(numbers) + pace.update(numbers)
    let exchanges = Exchanges(plan, ranks: ranks, batches: batches)
    for batch in 1..<max(batches, 1) {
      addPasses(plan, exchanges.batch)
      compute(pace.sum(numbers), if: batch > 1)
    }
    addPasses(plan, exchanges.steps)
    addStep(plan, exchanges)
  }

  /// A batch, forward and backward. Where its gradients travel, up to two ranges are under way at once.
  private mutating func addPasses(_ plan: Plan, _ steps: [Exchanges.Step]) {
    for use in plan.uses.indices { addPass(.forward, use, steps) }
    for step in steps where step.moment == .agreement { exchange(step) }
    var underWay: [(ticket: Int, numbers: Int)] = []
    var turn = 0
    for use in plan.uses.indices.reversed() {
      addPass(.backward, use, steps)
      for step in steps {
        guard case .gradients(use, let isWaitedFor) = step.moment else { continue }
        if underWay.count == Self.mostUnderWay { finish(&underWay) }
        start(step, turn % Self.mostUnderWay)
        if isWaitedFor {
          events.append(.wait(ticket: turn % Self.mostUnderWay))
        } else {
          underWay.append(
            (turn % Self.mostUnderWay, received(step) + received(step) / max(ranks - 1, 1)))
          turn += 1
        }
      }
    }
    while !underWay.isEmpty { finish(&underWay) }
  }

  private static let mostUnderWay = 2

  /// A use's calls, and in equal parts between them what is exchanged.
  private mutating func addPass(_ phase: Phase, _ use: Int, _ steps: [Exchanges.Step]) {
    let own = steps.filter { $0.moment == .pass(phase, use: use) }
    let seconds = (phase == .forward ? pace.forward : pace.backward)[use]
    for step in own {
      compute(seconds / Double(own.count + 1))
      exchange(step)
    }
    compute(seconds / Double(own.count + 1))
  }

  /// What all must know, AdamW on the rank's own numbers, and new values to all.
  private mutating func addStep(_ plan: Plan, _ exchanges: Exchanges) {
    for step in exchanges.steps where step.moment == .sums { exchange(step) }
    let values = exchanges.steps.filter { $0.moment == .values }
    let owned = ranks == 1 ? plan.ranges.reduce(0) { $0 + $1.count } : exchanges.owned.max() ?? 0
    let parts = max(values.count, 1)
    var waiting: [Int] = []
    for (index, step) in values.enumerated() {
      let ticket = index % Self.tickets
      if waiting.count == Self.tickets { events.append(.wait(ticket: waiting.removeFirst())) }
      compute(pace.update(owned) / Double(parts))
      start(step, ticket)
      waiting.append(ticket)
    }
    if values.isEmpty { compute(pace.update(owned)) }
    for ticket in waiting { events.append(.wait(ticket: ticket)) }
  }

  private static let tickets = 4

  private mutating func finish(_ underWay: inout [(ticket: Int, numbers: Int)]) {
    let (ticket, numbers) = underWay.removeFirst()
    events.append(.wait(ticket: ticket))
    compute(pace.sum(numbers))
  }

  private mutating func exchange(_ step: Exchanges.Step) {
    start(step, 0)
    events.append(.wait(ticket: 0))
  }

  private mutating func start(_ step: Exchanges.Step, _ ticket: Int) {
    let (count, stride) = circle(step.circle)
    // Rows are taken to be spread evenly over all experts.
    let own = step.isBound ? min(step.sent.max() ?? 0, step.received.max() ?? 0) : nil
    let mean = step.sent.reduce(0, +) / max(step.sent.count, 1)
    let words = own.map { $0 / count } ?? mean / max(count - 1, 1)
    let bytes = Element.f32.bytes * words
    sent += bytes * (count - 1)
    events.append(.start(ticket: ticket, bytes: bytes, count: count, stride: stride))
  }

  private func circle(_ circle: Exchanges.Circle) -> (count: Int, stride: Int) {
    switch circle {
    case .all: (ranks, 1)
    case .neighbours(let count): (count, 1)
    case .apart(let stride): (ranks / stride, stride)
    }
  }

  private func received(_ step: Exchanges.Step) -> Int {
    step.received.reduce(0, +) / max(step.received.count, 1)
  }

  private mutating func compute(_ seconds: Double, if isDone: Bool = true) {
    if isDone, seconds > 0 { events.append(.compute(seconds: seconds)) }
  }
}

extension Timeline {
  /// Messages go to each rank of a circle up to so many; in a larger one, those for several go as one.
  public static let mostPartners = 16

  /// The largest message.
  var largestMessage: Int {
    events.reduce(1) { most, event in
      guard case .start(_, let bytes, let count, _) = event else { return most }
      return max(most, count > Self.mostPartners ? bytes * count / 2 : bytes)
    }
  }

  /// The lines that `skeleton.c` reads.
  var script: String {
    let lines = events.map { event in
      switch event {
      case .compute(let seconds): "compute \(seconds)"
      case .start(let ticket, let bytes, let count, let stride):
        "start \(ticket) \(bytes) \(count) \(stride)"
      case .wait(let ticket): "wait \(ticket)"
      }
    }
    return (["buffer \(largestMessage)"] + lines).joined(separator: "\n") + "\n"
  }
}
