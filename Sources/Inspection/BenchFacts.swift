import Benchmark
import Foundation
import GraphIR
import Planning
import SystemFiles

/// What `moec bench --json` measured, for the page.
struct BenchFacts: Encodable {
  var threads: Int

  /// Milliseconds of a step, and how often the machine's limit that is.
  var step: Double?
  var timesLimit: Double?
  var evaluation: Double?
  var generation: Double?

  /// What one call took in a step, all uses of its layer together.
  struct Time: Encodable {
    var milliseconds: Double
    var share: Double
    var calls: Int
    var gflopsPerSecond: Double
    var peakShare: Double
    var gigabytesPerSecond: Double
    var bandwidthShare: Double
  }
}

/// Why measurements cannot be shown with a library.
public enum BenchFileError: ExplainedError, Equatable {
  case unreadable(FileError)
  /// Not what `moec bench --json` prints.
  case notAReport(path: String)
  /// Measured on another model.
  case otherModel(path: String, theirs: String, ours: String)
  /// Measured on another build of the model: it has a call where the library has none.
  case otherBuild(path: String, place: String)
  /// The library's calls are not known, so that no time can be given to them.
  case unknownCalls(path: String)

  public var message: String {
    switch self {
    case .unreadable(let error): return error.message
    case .notAReport(let path): return "\(path) is not what moec bench --json prints"
    case .otherModel(let path, let theirs, let ours):
      return "\(path) was measured on \(theirs), and this library is \(ours)"
    case .otherBuild(let path, let place):
      return "\(path) was measured on another build: there is no such call at \(place) here"
    case .unknownCalls(let path):
      return "\(path) cannot be shown: another version of moec made this library"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return error.hint
    case .notAReport, .otherModel, .otherBuild:
      return "measure this library with: moec bench LIB.so --json > BENCH.json"
    case .unknownCalls: return "compile the model again with this moec, or leave --bench out"
    }
  }
}

extension PageFacts {
  /// Gives each call its time in a step. Errors: a report of another model or build.
  mutating func addTimes(
    of report: BenchmarkReport, _ path: String, _ plan: Plan
  ) throws(BenchFileError) {
    try report.expect(plan, path)
    for row in report.profiles.first(where: { $0.work == .step })?.calls ?? [] {
      if row.phase == "update" { continue }
      guard let call = call(of: row) else {
        throw .otherBuild(path: path, place: "\(row.file):\(row.line)")
      }
      calls[call].time = BenchFacts.Time(
        milliseconds: row.cost.time, share: row.cost.share, calls: row.cost.calls,
        gflopsPerSecond: row.cost.gflopsPerSecond, peakShare: row.cost.peakShare,
        gigabytesPerSecond: row.cost.gigabytesPerSecond, bandwidthShare: row.cost.bandwidthShare)
    }
    func median(_ work: Work) -> Double? { report.totals.first { $0.work == work }?.median }
    bench = BenchFacts(
      threads: report.threads, step: median(.step),
      timesLimit: report.totals.first { $0.work == .step }?.timesLimit,
      evaluation: median(.evaluation), generation: median(.generation))
  }

  /// The call that stands where a row says, if it calls the same kernel.
  private func call(of row: BenchmarkReport.Row) -> Int? {
    spans.first { span in
      guard let call = span.call else { return false }
      return files[span.file].path == row.file && span.first == row.line
        && calls[call].kernel == row.kernel && calls[call].phase == row.phase
    }?.call
  }
}

extension BenchmarkReport {
  /// Reads what `moec bench --json` printed to a file.
  init(file path: String) throws(BenchFileError) {
    let bytes: [UInt8]
    do {
      bytes = try WholeFile.bytes(of: path)
    } catch {
      throw .unreadable(error)
    }
    do {
      self = try BenchmarkReport(json: Data(bytes))
    } catch {
      throw .notAReport(path: path)
    }
  }

  /// Errors: the report is of another model than the plan's.
  func expect(_ plan: Plan, _ path: String) throws(BenchFileError) {
    let ours = Self.identity(
      plan.graph.name, plan.learnedParameters.reduce(0) { $0 + $1.type.count },
      plan.graph.batch.size,
      plan.graph.context.size)
    let theirs = Self.identity(model, parameters, batch, context)
    guard ours == theirs else { throw .otherModel(path: path, theirs: theirs, ours: ours) }
  }

  private static func identity(_ name: String, _ parameters: Int, _ batch: Int, _ context: Int)
    -> String
  {
    "\(name) with \(parameters) parameters, batch \(batch) and context \(context)"
  }
}
