/// What a library was asked to do.
public enum Work: String, Sendable, Codable, CaseIterable {
  case step, evaluation

  /// A pass of evaluation, where there is one for every thread: each takes a batch.
  case evaluationSideBySide = "evaluation_side_by_side"

  /// A token by the whole window: as every token of a model that keeps nothing, and of any model
  /// when the context is full and the window moves.
  case generation

  /// A token after others whose keys and values are kept, at any place of the context. Only of
  /// models that keep them.
  case cachedGeneration = "cached_generation"

  /// Whether there is a table of its calls. Side by side they are evaluation's, each on one thread.
  public var isProfiled: Bool { self != .evaluationSideBySide }

  /// The name in tables.
  public var title: String { rawValue.replacing("_", with: " ") }
}

/// All that `moec bench` found: times in milliseconds, rates in GFLOP/s and GB/s.
public struct BenchmarkReport: Sendable, Codable {
  public var model: String
  public var parameters: Int
  public var batch: Int
  public var context: Int
  public var threads: Int

  /// The line that compiled the library, and the compiler that made its measured variant.
  public var compiler: String
  public var profileCompiler: String

  /// The best of all looks at the machine, and the looks, first to last.
  public var machine: MachineRates
  public var looks: [MachineRates]
  public var totals: [Total]

  /// Of each kind of work that is profiled.
  public var profiles: [Profile]

  /// The normal library, no clock inside.
  public struct Total: Sendable, Codable {
    public var work: Work
    public var runs: Int
    public var median: Double
    public var minimum: Double

    /// What the machine needs at least.
    ///
    /// - step: floating-point operations of all products / peak + 28 bytes x parameters / sweep
    /// - evaluation: those of forward / peak, side by side or not
    /// - generation: those of one sequence of full length, of whose head only the last row / peak
    /// - cached generation: those of one token / peak, or a token's parameters once at the bandwidth
    ///   of where all parameters fit, whichever takes longer
    public var limit: Double

    /// Floating-point operations of the products that the limit counts.
    public var productFlops: Int

    /// The median over the limit.
    public var timesLimit: Double
  }

  /// One kind of work with the clock on: the mean of the faster half of the runs.
  public struct Profile: Sendable, Codable {
    public var work: Work
    public var runs: Int
    public var time: Double

    /// Time that is in no call: `time` is this and the sum of all rows'.
    public var betweenCalls: Double
    public var calls: [Row]
    public var kernels: [Group]
    public var parts: [Group]
  }

  /// Numbers of one call in the C, of all uses of its layer together, or of several such.
  public struct Cost: Sendable, Codable {
    public var calls: Int
    public var time: Double

    /// Of the whole work.
    public var share: Double
    public var flops: Int
    public var gflopsPerSecond: Double

    /// Of the measured peak.
    public var peakShare: Double
    public var bytes: Int
    public var gigabytesPerSecond: Double

    /// Of the measured bandwidth: the cache's for calls whose operands take at most 16 MB, else
    /// memory's.
    public var bandwidthShare: Double

    /// The sum of each call's least time: arithmetic at the peak or bytes at the bandwidth,
    /// whichever takes longer.
    public var limit: Double

    /// `time` - `limit`: what could be gained at most.
    public var gap: Double
  }

  /// One call in the C.
  public struct Row: Sendable, Codable {
    public var kernel: String
    public var layer: String
    public var phase: String

    /// The scope in the model, and the value that is computed.
    public var scope: String
    public var result: String

    /// Where the call stands in the C, and the line of the model that it comes from.
    public var file: String
    public var line: Int
    public var source: String?
    public var cost: Cost
  }

  /// Calls of one kernel, or of one part of a layer.
  public struct Group: Sendable, Codable {
    public var name: String
    public var cost: Cost
  }
}

/// Numbers that can be added up, in seconds.
struct CostSum {
  var calls = 0
  var seconds = 0.0
  var flops = 0
  var bytes = 0
  var arithmeticSeconds = 0.0
  var transferSeconds = 0.0
  var leastSeconds = 0.0

  static func += (a: inout CostSum, b: CostSum) {
    a.calls += b.calls
    a.seconds += b.seconds
    a.flops += b.flops
    a.bytes += b.bytes
    a.arithmeticSeconds += b.arithmeticSeconds
    a.transferSeconds += b.transferSeconds
    a.leastSeconds += b.leastSeconds
  }

  /// The numbers for a report, as parts of `whole` seconds.
  func cost(of whole: Double) -> BenchmarkReport.Cost {
    func rate(_ count: Double) -> Double { seconds > 0 ? count / seconds : 0 }
    return .init(
      calls: calls, time: seconds * 1e3, share: whole > 0 ? seconds / whole : 0, flops: flops,
      gflopsPerSecond: rate(Double(flops)) * 1e-9, peakShare: rate(arithmeticSeconds),
      bytes: bytes, gigabytesPerSecond: rate(Double(bytes)) * 1e-9,
      bandwidthShare: rate(transferSeconds), limit: leastSeconds * 1e3,
      gap: (seconds - leastSeconds) * 1e3)
  }
}
