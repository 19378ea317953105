import GraphIR
import Lowering

/// Neighbouring calls of a function that are made in the same way.
public struct CallRun: Hashable, Sendable {
  /// How threads make the calls.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// One after the other; each divides its own work, and ends when all of it is done.
    case inTurn = "in turn"

    /// Every thread makes all of the calls for sequences of its own, without waiting for the others in
    /// between; what it computes stays in its own cache from call to call.
    case bySequence = "by sequence"

    /// Every thread takes shares of each call, and goes on to the next without waiting for the others:
    /// no call reads what another writes.
    case together
  }

  public var calls: Range<Int>
  public var kind: Kind
}

extension [Call] {
  /// The calls as runs: those that keep sequences apart, those that are independent, the others.
  ///
  /// - Parameter batch: the axis of sequences.
  func runs(batch: Axis) -> [CallRun] {
    var runs: [CallRun] = []
    var current = OpenRun(batch: batch)
    for (index, call) in enumerated() {
      let kind = call.kindOfRun(batch)
      if let last = runs.indices.last, kind != .inTurn, runs[last].kind == kind,
        current.takes(call)
      {
        runs[last].calls = runs[last].calls.lowerBound..<index + 1
      } else {
        current.begin(with: call)
        runs.append(CallRun(calls: index..<index + 1, kind: kind))
      }
    }
    return runs.withoutSingles.joiningNeighbours
  }
}

extension [CallRun] {
  /// One call alone has nothing to gain: its kernel divides its work itself.
  fileprivate var withoutSingles: [CallRun] {
    map { CallRun(calls: $0.calls, kind: $0.calls.count > 1 ? $0.kind : .inTurn) }
  }

  fileprivate var joiningNeighbours: [CallRun] {
    reduce(into: []) { runs, run in
      if let last = runs.last, last.kind == .inTurn, run.kind == .inTurn {
        runs[runs.count - 1].calls = last.calls.lowerBound..<run.calls.upperBound
      } else {
        runs.append(run)
      }
    }
  }
}

/// What the calls of a run touch: rows of their own, or a tensor as a whole.
private struct OpenRun {
  let batch: Axis
  private var written: Set<Place> = []
  private var readWhole: Set<Place> = []

  init(batch: Axis) { self.batch = batch }

  mutating func begin(with call: Call) {
    written = []
    readWhole = []
    add(call)
  }

  /// Adds a call of the same kind, unless it needs what other threads have yet to write.
  mutating func takes(_ call: Call) -> Bool {
    let isApart = call.keepsSequencesApart(batch) || written.isDisjoint(with: call.resultPlaces)
    guard isApart, written.isDisjoint(with: wholeInputs(call)),
      readWhole.isDisjoint(with: call.resultPlaces)
    else { return false }
    add(call)
    return true
  }

  private mutating func add(_ call: Call) {
    written.formUnion(call.resultPlaces)
    readWhole.formUnion(wholeInputs(call))
  }

  private func wholeInputs(_ call: Call) -> Set<Place> {
    let byRows = call.keepsSequencesApart(batch)
    return Set(call.inputs.filter { !byRows || !$0.type.leads(with: batch) }.map(\.place))
  }
}

extension TensorType {
  /// Whether the tensor holds something for each sequence, one after the other.
  public func leads(with batch: Axis) -> Bool {
    axes.first == batch && !TensorType(element, Array(axes.dropFirst())).mentions(batch)
  }

  /// Whether any size depends on the number of sequences.
  fileprivate func mentions(_ batch: Axis) -> Bool {
    axes.contains { !Set($0.symbols).isDisjoint(with: batch.symbols) }
  }
}

extension Call {
  fileprivate var resultPlaces: Set<Place> { Set(results.map(\.place)) }

  fileprivate func kindOfRun(_ batch: Axis) -> CallRun.Kind {
    keepsSequencesApart(batch) ? .bySequence : isSharedOut ? .together : .inTurn
  }

  /// Whether the call's kernel lets threads take shares of it, whatever else they are at.
  public var isSharedOut: Bool { kernel.isSharedOut }

  /// Whether the results of a sequence depend on no other sequence of the batch, and lie together.
  func keepsSequencesApart(_ batch: Axis) -> Bool {
    switch action {
    case .op(let op): if !op.operation.keepsSequencesApart { return false }
    // What is there for the whole batch holds a thread's own sequences somewhere in its midst.
    case .fit: if !inputs.allSatisfy({ $0.type.leads(with: batch) }) { return false }
    case .pack, .unpack, .copy: return false
    }
    return !results.isEmpty && results.allSatisfy { $0.type.leads(with: batch) }
      && inputs.allSatisfy { input in
        input.type.experts == nil
          ? input.type.leads(with: batch) || !input.type.mentions(batch)
          : op?.operation.sortedRows == .bySlot
      }
      && !(inputs + results).contains { $0.type.leads(with: batch) && $0.place.isParameter }
  }
}

extension Place {
  /// Whether an operand is a parameter or its gradient: the same for all threads, whatever its shape.
  fileprivate var isParameter: Bool {
    switch self {
    case .parameter, .gradient, .borrowed: true
    case .source, .saved, .scratch, .argument: false
    }
  }
}
