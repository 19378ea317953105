import Benchmark
import Foundation
import Planning

/// What `moec bench --json` measured, as lines below a model's summary.
public struct MeasuredTimes {
  private let report: BenchmarkReport

  /// - Parameter path: a file that `moec bench --json` printed.
  /// - Throws: `BenchFileError` for a file that is none, or is of another model than the plan's.
  public init(file path: String, of plan: Plan) throws(BenchFileError) {
    report = try BenchmarkReport(file: path)
    try report.expect(plan, path)
  }

  /// The totals, then where a step's time goes.
  public var text: String {
    let threads = report.threads == 1 ? "1 thread" : "\(report.threads) threads"
    let totals = report.totals.map { total in
      "\(total.work.title) \(Self.fixed(total.median, 3)) ms, "
        + "\(Self.fixed(total.timesLimit, 2)) times the machine's limit"
    }
    let parts = report.profiles.first { $0.work == .step }?.parts ?? []
    let width = parts.map(\.name.count).max() ?? 0
    let rows = parts.map { part in
      part.name.padding(toLength: width, withPad: " ", startingAt: 0)
        + Self.padded(part.cost.time, 3) + " ms" + Self.padded(100 * part.cost.share, 1) + " %"
    }
    return
      (["measured with \(threads):"] + totals.map { "  " + $0 } + ["", "a step, by part:"]
      + rows.map { "  " + $0 }).joined(separator: "\n")
  }

  private static func fixed(_ number: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", number)
  }

  private static func padded(_ number: Double, _ digits: Int) -> String {
    String(format: "%10.\(digits)f", number)
  }
}
