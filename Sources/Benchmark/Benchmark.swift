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
    let subject = try MeasuredLibrary(path: path)
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let choice = try CCompilerSearch(preferred: options.compiler, cache: options.cache).choose()
    let scratch = ScratchFolder(
      folder: folder, compiler: choice.compiler, options: .init(target: subject.target),
      cache: options.cache)
    let threads = options.threads ?? Processors.current.usualThreads
    let measurement = try Measurement(subject, scratch, threads: threads)
    let rounds = min(options.steps, 5)
    for round in 0..<rounds {
      let first = round * options.steps / rounds
      try measurement.run((round + 1) * options.steps / rounds - first)
    }
    try measurement.look()
    return try measurement.result(subject, scratch)
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
private final class Measurement {
  private let normal: Model
  private let profiled: ProfiledLibrary
  private let probe: Probe
  private let threads: Int
  private let works: [Work]
  private var batches: RandomBatches
  private var times: [Work: [Double]] = [:]
  private var recordings: [Work: [Recording]] = [:]

  init(_ subject: MeasuredLibrary, _ scratch: ScratchFolder, threads: Int) throws {
    self.threads = threads
    works = Work.allCases.filter { work in
      switch work {
      case .step, .evaluation: !subject.plan.infers
      case .evaluationSideBySide:
        !subject.plan.infers && subject.plan.lanes.count >= threads && threads > 1
      case .generation: true
      case .cachedGeneration: subject.plan.generation.cache != nil
      }
    }
    let manifest = subject.library.manifest
    probe = try Probe(scratch, threads: threads, parameters: manifest.parameterCount)
    normal = try Model(subject.library)
    profiled = try ProfiledLibrary(subject, scratch)
    batches = RandomBatches(manifest)
    for model in [normal, profiled.model] {
      model.initialize(seed: 1)
      try model.setThreads(threads)
      // The first runs touch memory for the first time.
      for work in works where work.isProfiled || model === normal {
        try require(job(work, model, run: 0)(), work, model)
      }
    }
  }

  /// A look at the machine.
  func look() throws { try probe.look() }

  /// A look at the machine, then each kind of work `count` times without the clock and with it.
  func run(_ count: Int) throws {
    try look()
    for work in works {
      for _ in 0..<count {
        let job = try job(work, normal, run: times[work]?.count ?? 0)
        var results: [Float] = []
        let time = try seconds { results = try job() }
        try require(results, work, normal)
        times[work, default: []].append(time / Double(passes(of: work)))
      }
      if !work.isProfiled { continue }
      for _ in 0..<count {
        var time = 0.0
        var results: [Float] = []
        let job = try job(work, profiled.model, run: recordings[work]?.count ?? 0)
        let events = try profiled.events { time = try seconds { results = try job() } }
        try require(results, work, profiled.model)
        recordings[work, default: []].append(Recording(seconds: time, events: events))
      }
    }
  }

  /// How many passes a job makes.
  private func passes(of work: Work) -> Int { work == .evaluationSideBySide ? threads : 1 }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let time = try ContinuousClock().measure(body)
    return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  }

  /// Errors: a result of the last pass is not finite.
  private func require(_ results: [Float], _ work: Work, _ model: Model) throws {
    guard results.allSatisfy(\.isFinite) else {
      throw BenchmarkError.notFinite(work: work, place: try model.firstBad())
    }
  }

  /// What is timed, after all that it needs was made; gives what it computed.
  private func job(_ work: Work, _ model: Model, run: Int) throws -> () throws -> [Float] {
    let (tokens, targets, seed) = batches.next()
    let context = model.manifest.context
    switch work {
    case .step:
      let hyper = Hyperparameters(model.manifest.defaults, seed: seed)
      return { [try model.trainStep(tokens: tokens, targets: targets, with: hyper)] }
    case .evaluation:
      return { [try model.loss(tokens: tokens, targets: targets, seed: seed)] }
    case .evaluationSideBySide:
      let all = [(tokens, targets, seed)] + (1..<threads).map { _ in batches.next() }
      let (tokens, targets) = (all.flatMap(\.0), all.flatMap(\.1))
      return { try model.losses(tokens: tokens, targets: targets, seeds: all.map(\.2)) }
    case .generation:
      // Another first token than the last time: nothing that is kept serves.
      var window = Array(tokens.prefix(context))
      window[0] = Int32(run % max(model.manifest.vocabulary, 1))
      return { try model.next(tokens: window, seed: seed) }
    case .cachedGeneration:
      let text = Array(tokens.prefix(Self.position(run, of: context) + 1))
      if text.count > 1 { _ = try model.next(tokens: text.dropLast(), seed: seed) }
      return { try model.next(tokens: text, seed: seed) }
    }
  }

  /// Places in the context, spread evenly over however many runs there are (by the golden ratio).
  private static func position(_ run: Int, of context: Int) -> Int {
    let share = (0.5 + Double(run) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
    return Swift.min(Int(share * Double(context)), context - 1)
  }

  func result(_ subject: MeasuredLibrary, _ scratch: ScratchFolder) throws -> Benchmark.Result {
    let analysis = Analysis(subject, probe.best)
    let manifest = subject.library.manifest
    let report = BenchmarkReport(
      model: manifest.name, parameters: manifest.parameterCount, batch: manifest.batch,
      context: manifest.context, threads: threads, compiler: manifest.compiler ?? "",
      profileCompiler: scratch.compiler.version, machine: probe.best, looks: probe.rates,
      totals: works.map { analysis.total($0, times[$0] ?? []) },
      profiles: works.compactMap { work in recordings[work].map { analysis.profile(work, $0) } })
    let last = works.compactMap { work in recordings[work]?.last.map { (work, $0) } }
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
