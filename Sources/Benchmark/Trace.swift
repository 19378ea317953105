import Codegen
import Foundation
import GraphIR
import Planning

/// The last run of each kind of work, for chrome://tracing and Perfetto.
///
/// The file is in the Chrome trace format: complete events (`X`) with times in microseconds, one
/// thread for each kind of work, nested by construction: the run, its phases, the uses of layers,
/// the calls.
public struct BenchmarkTrace {
  /// One complete event, or the name of a thread.
  struct Event: Encodable, Hashable {
    var name: String
    var cat: String?
    var ph = "X"
    var ts = 0.0
    var dur: Double?
    var pid = 1
    var tid: Int
    var args: [String: String] = [:]
  }

  private struct File: Encodable {
    var traceEvents: [Event]
    var displayTimeUnit = "ms"
  }

  private(set) var events: [Event] = []

  init(_ subject: MeasuredLibrary, _ recordings: [(Work, Recording)]) {
    for (index, (work, recording)) in recordings.enumerated() {
      let thread = TraceThread(subject, work, thread: index + 1)
      events.append(
        Event(name: "thread_name", ph: "M", tid: index + 1, args: ["name": work.rawValue]))
      events += thread.events(recording)
    }
  }

  /// The file's text.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(File(traceEvents: events))
  }
}

/// One run as nested events.
private struct TraceThread {
  private typealias Event = BenchmarkTrace.Event
  private let plan: Plan
  private let profiled: ProfiledModel
  private let work: Work
  private let thread: Int

  /// Where a call belongs: the use of a layer, by the order in which uses were reached, and its
  /// phase.
  private struct Step {
    var site: Int
    var phase: String
    var use: String
    var useNumber: Int
  }

  init(_ subject: MeasuredLibrary, _ work: Work, thread: Int) {
    plan = subject.plan
    profiled = subject.profiled
    self.work = work
    self.thread = thread
  }

  func events(_ recording: Recording) -> [BenchmarkTrace.Event] {
    let calls = recording.events
    guard let first = calls.first, let last = calls.last else { return [] }
    let steps = steps(calls)
    var events = [event(work.rawValue, work.rawValue, first, last, from: first.begin)]
    for range in Self.runs(steps, alike: { $0.phase == $1.phase }) {
      let phase = steps[range.lowerBound].phase
      events.append(
        event(phase, phase, calls[range.lowerBound], calls[range.upperBound - 1], from: first.begin)
      )
    }
    for range in Self.runs(steps, alike: { $0.useNumber == $1.useNumber }) {
      let step = steps[range.lowerBound]
      if step.use.isEmpty { continue }
      events.append(
        event(
          step.use, step.phase, calls[range.lowerBound], calls[range.upperBound - 1],
          from: first.begin))
    }
    for (step, call) in zip(steps, calls) {
      events.append(self.call(step, event(name(step), step.phase, call, call, from: first.begin)))
    }
    return events
  }

  /// Ranges of neighbours that are alike.
  private static func runs(_ steps: [Step], alike: (Step, Step) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for index in steps.indices {
      if let last = runs.last, alike(steps[last.lowerBound], steps[index]) {
        runs[runs.count - 1] = last.lowerBound..<index + 1
      } else {
        runs.append(index..<index + 1)
      }
    }
    return runs
  }

  /// A use begins where the layer or the phase changes, or where the calls start over.
  private func steps(_ calls: [ProfileEvent]) -> [Step] {
    var steps: [Step] = []
    var last: ProfiledModel.Site?
    var reached: [String: Int] = [:]
    for call in calls {
      let index = call.site
      guard profiled.sites.indices.contains(index) else {
        steps.append(Step(site: index, phase: "update", use: "", useNumber: steps.count + 1))
        last = nil
        continue
      }
      let site = profiled.sites[index]
      if let previous = steps.last, let last, last.layer == site.layer, last.phase == site.phase,
        last.call < site.call
      {
        steps.append(
          Step(site: index, phase: previous.phase, use: previous.use, useNumber: previous.useNumber)
        )
      } else {
        let key = "\(site.layer) \(site.phase)"
        let use = useName(site, reached[key, default: 0])
        reached[key, default: 0] += 1
        steps.append(
          Step(site: index, phase: site.phase.rawValue, use: use, useNumber: steps.count + 1))
      }
      last = site
    }
    return steps
  }

  /// The scope of a layer's nth use in the order of the phase.
  private func useName(_ site: ProfiledModel.Site, _ number: Int) -> String {
    let uses = plan.uses.filter { $0.layer == site.layer }
    let ordered = site.phase == .forward ? uses : uses.reversed()
    let scope = ordered.indices.contains(number) ? ordered[number].scope : ""
    return scope.isEmpty ? plan.layers[site.layer].name : scope
  }

  private func event(
    _ name: String, _ category: String, _ first: ProfileEvent, _ last: ProfileEvent,
    from zero: Int64
  ) -> Event {
    Event(
      name: name, cat: category, ts: Double(first.begin - zero) / 1e3,
      dur: Double(last.end - first.begin) / 1e3, tid: thread)
  }

  private func name(_ step: Step) -> String {
    guard profiled.sites.indices.contains(step.site) else { return "adamw" }
    let site = profiled.sites[step.site]
    return ([site.kernel] + plannedCall(site).scopes).filter { !$0.isEmpty }.joined(separator: " ")
  }

  private func call(_ step: Step, _ event: Event) -> Event {
    guard profiled.sites.indices.contains(step.site) else { return event }
    let site = profiled.sites[step.site]
    var event = event
    event.args["c"] = "\(site.file):\(site.line)"
    event.args["model"] = plannedCall(site).location.map { "\($0.file):\($0.line)" }
    return event
  }

  private func plannedCall(_ site: ProfiledModel.Site) -> Call {
    let layer = plan.layers[site.layer]
    return site.phase == .forward ? layer.forward[site.call] : layer.backward[site.call]
  }
}
