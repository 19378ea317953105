import Codegen
import Foundation
import ModelRuntime
import Toolchain

/// Measures a compiled library: how long it takes, and where.
///
/// Totals come from the library as it is. A variant with a clock around every kernel call, made
/// from the sources that the library carries, tells how they divide. Both, and the machine's own
/// limits, are measured in turn, because a machine's clock and its other work change from minute to
/// minute.
public struct Benchmark {
  /// How much is measured, and with what.
  public struct Options: Sendable {
    /// How often each kind of work is done, with the clock and without.
    public var steps = 20

    /// How many threads; nil: as many as the machine has.
    public var threads: Int?

    /// The C compiler for what is compiled here; nil: the usual one.
    public var compiler: String?
    public var cache = ContentCache.standard()

    public init() {}
  }

  /// The report, and the last run of each kind of work for `BenchmarkTrace`.
  public struct Result {
    public var report: BenchmarkReport
    public var trace: BenchmarkTrace
  }

  /// Runs the benchmark. Errors: no such library, one without sources, one of another version.
  public static func measure(library path: String, options: Options) throws -> Result {
    let subject = try Subject(path: path)
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let choice = try CCompilerSearch(preferred: options.compiler, cache: options.cache).choose()
    let workshop = Workshop(
      folder: folder, compiler: choice.compiler, options: .init(target: subject.target),
      cache: options.cache)
    let threads = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
    let session = try Session(subject, workshop, threads: threads)
    let rounds = min(options.steps, 5)
    for round in 0..<rounds {
      let first = round * options.steps / rounds
      try session.run((round + 1) * options.steps / rounds - first)
    }
    return try session.result(subject, workshop)
  }

  private static func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-bench-" + UUID().uuidString)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw BenchmarkError.noFolder(path: folder.path)
    }
    return folder
  }
}

/// The models that are measured, and what was found so far.
private final class Session {
  private let normal: Model
  private let profiled: ProfiledLibrary
  private let probe: Probe
  private let threads: Int
  private var batches: RandomBatches
  private var times: [Work: [Double]] = [:]
  private var recordings: [Work: [Recording]] = [:]

  init(_ subject: Subject, _ workshop: Workshop, threads: Int) throws {
    self.threads = threads
    let manifest = subject.library.manifest
    probe = try Probe(workshop, threads: threads, parameters: manifest.parameterCount)
    normal = try Model(subject.library)
    profiled = try ProfiledLibrary(subject, workshop)
    batches = RandomBatches(manifest)
    for model in [normal, profiled.model] {
      model.initialize(seed: 1)
      try model.setThreads(threads)
      // The first runs touch memory for the first time.
      for work in Work.allCases { try perform(work, model) }
    }
  }

  /// A look at the machine, then each kind of work `count` times without the clock and with it.
  func run(_ count: Int) throws {
    try probe.look()
    for work in Work.allCases {
      for _ in 0..<count {
        times[work, default: []].append(try seconds { try perform(work, normal) })
      }
      for _ in 0..<count {
        var time = 0.0
        let events = try profiled.events { model in time = try seconds { try perform(work, model) }
        }
        recordings[work, default: []].append(Recording(seconds: time, events: events))
      }
    }
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let time = try ContinuousClock().measure(body)
    return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  }

  private func perform(_ work: Work, _ model: Model) throws {
    let (tokens, targets, seed) = batches.next()
    switch work {
    case .step:
      let hyper = Hyperparameters(model.manifest.defaults, seed: seed)
      _ = try model.trainStep(tokens: tokens, targets: targets, with: hyper)
    case .evaluation:
      _ = try model.loss(tokens: tokens, targets: targets, seed: seed)
    case .generation:
      _ = try model.logits(tokens: Array(tokens.prefix(model.manifest.context)), seed: seed)
    }
  }

  func result(_ subject: Subject, _ workshop: Workshop) throws -> Benchmark.Result {
    let analysis = Analysis(subject, probe.median)
    let manifest = subject.library.manifest
    let report = BenchmarkReport(
      model: manifest.name, parameters: manifest.parameterCount, batch: manifest.batch,
      context: manifest.context, threads: threads, compiler: manifest.compiler ?? "",
      profileCompiler: workshop.compiler.version, machine: probe.median, looks: probe.rates,
      totals: Work.allCases.map { analysis.total($0, times[$0] ?? []) },
      profiles: Work.allCases.map { analysis.profile($0, recordings[$0] ?? []) })
    let last = Work.allCases.compactMap { work in recordings[work]?.last.map { (work, $0) } }
    return .init(report: report, trace: BenchmarkTrace(subject, last))
  }
}

/// One run with the clock on.
struct Recording {
  var seconds: Double
  var events: [ProfileEvent]
}

/// Batches of tokens drawn evenly, always the same ones.
private struct RandomBatches {
  private let vocabulary: UInt64
  private let count: Int
  private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

  init(_ manifest: Manifest) {
    vocabulary = UInt64(max(manifest.vocabulary, 1))
    count = manifest.batch * manifest.context
  }

  mutating func next() -> (tokens: [Int32], targets: [Int32], seed: UInt64) {
    let ids = (0..<2 * count).map { _ in Int32(draw() % vocabulary) }
    return (Array(ids.prefix(count)), Array(ids.suffix(count)), draw())
  }

  /// Xorshift, good enough for tokens whose text nobody reads.
  private mutating func draw() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state >> 11
  }
}
