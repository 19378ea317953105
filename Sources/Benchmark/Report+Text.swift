import Codegen
import Foundation
import Words

extension BenchmarkReport {
  /// The report for a person, a table for each question.
  public var text: String {
    let blocks =
      [
        ([heading, machineLine] + [excessLine].compactMap(\.self)).joined(separator: "\n"),
        totalsTable,
      ]
      + profiles.map(kernelTable) + profiles.prefix(1).flatMap { [partTable($0), gapTable($0)] }
    return blocks.joined(separator: "\n\n") + "\n\n" + Self.legend + "\n"
  }

  /// The totals alone, for a first look: within eighty columns.
  public var shortText: String {
    let machine = machineLine.replacing(", memory ", with: ",\nmemory ")
    return [heading, machine, excessLine, nil, shortTable].map { $0 ?? "" }
      .joined(separator: "\n").replacing("\n\n\n", with: "\n\n")
      + "\n\nwhere the time goes, kernel by kernel and call by call: --all\n"
  }

  private var shortTable: String {
    let head = ["", "median ms", "limit ms", "median / limit", "tokens/s"]
    let rows = totals.map { total in
      let tokens =
        total.median > 0 ? 1000 / total.median * Double(Self.tokens(total.work, self)) : 0
      return [
        total.work.title, Self.fixed(total.median, 3), Self.fixed(total.limit, 3),
        Self.fixed(total.timesLimit, 2), Int(tokens.rounded()).grouped,
      ]
    }
    return Columns.text([head] + rows)
  }

  /// Tokens that a piece of work is over.
  private static func tokens(_ work: Work, _ report: BenchmarkReport) -> Int {
    switch work {
    case .step, .evaluation, .evaluationSideBySide: report.batch * report.context
    case .generation, .cachedGeneration: 1
    }
  }

  private var heading: String {
    "\(model): \(parameters.grouped) parameters, batch \(batch), context \(context), \(threads) "
      + (threads == 1 ? "thread" : "threads")
  }

  private var machineLine: String {
    let peaks = looks.map(\.peak)
    let range = "\(Self.fixed(peaks.min() ?? 0, 0)) to \(Self.fixed(peaks.max() ?? 0, 0))"
    return
      "machine, in the same run: peak \(Self.fixed(machine.peak, 0)) GFLOP/s (\(range)), memory "
      + "\(Self.fixed(machine.memory, 1)) GB/s, cache \(Self.fixed(machine.cache, 1)) GB/s, "
      + "AdamW sweep \(Self.fixed(machine.sweep, 1)) GB/s"
  }

  /// What was faster than the machine can be by its own measurement, the fastest first; its shares
  /// and gaps mean nothing.
  public var excesses: [(name: String, gflopsPerSecond: Double)] {
    let kernels = profiles.flatMap(\.kernels).filter { $0.cost.flops > 0 }
      .map { (name: $0.name, gflopsPerSecond: $0.cost.gflopsPerSecond) }
    let works = totals.filter { $0.productFlops > 0 && $0.median > 0 }
      .map { (name: $0.work.title, gflopsPerSecond: Double($0.productFlops) / $0.median * 1e-6) }
    return (kernels + works).filter { $0.gflopsPerSecond > 1.01 * machine.peak }
      .sorted { $0.gflopsPerSecond > $1.gflopsPerSecond }
  }

  private var excessLine: String? {
    guard let most = excesses.first else { return nil }
    return
      "note: \(most.name) did \(Self.fixed(most.gflopsPerSecond, 0)) GFLOP/s, more than the peak that "
      + "was measured: the machine was busy while it was looked at. Limits are too long and gaps too "
      + "short by as much; measure again when it is idle."
  }

  private var totalsTable: String {
    let head = ["", "runs", "median ms", "minimum ms", "limit ms", "median / limit", ""]
    return Columns.text(
      [head]
        + totals.map { total in
          let perSecond = total.median > 0 ? 1000 / total.median : 0
          let limit = total.limit > 0 ? 1000 / total.limit : 0
          let note =
            Self.path(of: total.work).map {
              "\(Self.fixed(perSecond, 0)) tokens/s of \(Self.fixed(limit, 0)), \($0)"
            } ?? ""
          return [
            total.work.title, "\(total.runs)", Self.fixed(total.median, 3),
            Self.fixed(total.minimum, 3), Self.fixed(total.limit, 3),
            Self.fixed(total.timesLimit, 2),
            note,
          ]
        })
  }

  /// How a token is generated.
  private static func path(of work: Work) -> String? {
    switch work {
    case .step, .evaluation, .evaluationSideBySide: nil
    case .generation: "the whole window"
    case .cachedGeneration: "keys and values kept"
    }
  }

  private static let columns = [
    "calls", "ms", "share", "GFLOP/s", "of peak", "MB", "GB/s", "of bandwidth", "limit ms",
    "gap ms",
  ]

  private static func cells(_ cost: Cost) -> [String] {
    let isArithmetic = cost.flops > 0
    return [
      "\(cost.calls)", fixed(cost.time, 3), percent(cost.share),
      isArithmetic ? fixed(cost.gflopsPerSecond, 1) : "",
      isArithmetic ? percent(cost.peakShare) : "",
      fixed(Double(cost.bytes) / 1e6, 1), fixed(cost.gigabytesPerSecond, 1),
      percent(cost.bandwidthShare), fixed(cost.limit, 3), fixed(max(cost.gap, 0), 3),
    ]
  }

  private func kernelTable(_ profile: Profile) -> String {
    table(profile, title: "\(profile.work.title), by kernel", profile.kernels)
  }

  private func partTable(_ profile: Profile) -> String {
    table(profile, title: "\(profile.work), by part of the model", profile.parts)
  }

  private func table(_ profile: Profile, title: String, _ groups: [Group]) -> String {
    var rows = [[title] + Self.columns] + groups.map { [$0.name] + Self.cells($0.cost) }
    let share = profile.time > 0 ? profile.betweenCalls / profile.time : 0
    let blank = Array(repeating: "", count: Self.columns.count - 3)
    rows.append(
      ["between calls", "", Self.fixed(profile.betweenCalls, 3), Self.percent(share)] + blank)
    rows.append(["with the clock", "", Self.fixed(profile.time, 3), "100 %"] + blank)
    return Columns.text(rows)
  }

  /// The calls with the most time above their limits.
  private func gapTable(_ profile: Profile) -> String {
    let rows = profile.calls.sorted { $0.cost.gap > $1.cost.gap }.prefix(15).map { row in
      [
        "\(row.file):\(row.line) \(row.kernel)", row.result, row.source ?? "",
        Self.fixed(row.cost.time, 3), Self.fixed(row.cost.limit, 3), Self.fixed(row.cost.gap, 3),
      ]
    }
    return Columns.text(
      [["\(profile.work), where the gap is", "makes", "model", "ms", "limit ms", "gap ms"]] + rows,
      isLeading: { $0 < 3 })
  }

  private static let legend = """
    limit of a step: floating-point operations of all products (of causal attention the half that
    counts) at the peak, and 28 bytes for each parameter at the sweep's bandwidth; evaluation:
    forward's at the peak; generation: one window's, with one row of the head; with kept keys and
    values: one token's, or its parameters once at the bandwidth, if that takes longer. Limit of a
    call: its operations at the peak or its operands once at the bandwidth, whichever takes longer;
    of a gradient that updates its weight on the spot, AdamW's sweep over the weight on top. More
    than all of a bandwidth is operands that lie nearer than where it was measured: no gap. Times
    of calls are means of the faster half of the runs, with a clock around each call; totals are of
    the library as it is.
    """

  static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  static func percent(_ share: Double) -> String {
    share > 1 ? "> 100 %" : fixed(100 * share, 1) + " %"
  }
}

extension BenchmarkReport {
  /// The report as JSON; keys are in snake case.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }

  /// Reads what `json` gave.
  public init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(BenchmarkReport.self, from: json)
  }
}
