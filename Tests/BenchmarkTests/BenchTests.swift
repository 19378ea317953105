import Foundation
import GraphIR
import ModelFixtures
import Planning
import Testing
import Toolchain

@testable import Benchmark

@Suite struct BenchTests {
  private static let run: Result<(report: BenchmarkReport, trace: Data), any Error> = Result {
    let library = try TinyLibrary.path.get()
    let trace = try ModelFixture.folder() + "/trace.json"
    let result = try Command.moec(
      ["bench", library, "--steps", "6", "--threads", "1", "--json", "--trace", trace])
    try #require(result.status == 0, "\(result.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(BenchmarkReport.self, from: Data(result.output.utf8))
    return (report, try Data(contentsOf: URL(fileURLWithPath: trace)))
  }

  private func isClose(_ a: Double, _ b: Double) -> Bool {
    abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-3)
  }

  @Test func rowsAddUp() throws {
    let report = try Self.run.get().report
    #expect(report.profiles.map(\.work) == Work.allCases.filter(\.isProfiled))
    for profile in report.profiles {
      #expect(profile.runs == 6)
      #expect(profile.betweenCalls >= 0)
      let sum = profile.calls.reduce(profile.betweenCalls) { $0 + $1.cost.time }
      #expect(isClose(sum, profile.time))
      for groups in [profile.kernels, profile.parts] {
        let sums = (
          groups.reduce(profile.betweenCalls) { $0 + $1.cost.time },
          groups.reduce(0) { $0 + $1.cost.flops }, groups.reduce(0) { $0 + $1.cost.calls }
        )
        #expect(isClose(sums.0, profile.time))
        #expect(sums.1 == profile.calls.reduce(0) { $0 + $1.cost.flops })
        #expect(sums.2 == profile.calls.reduce(0) { $0 + $1.cost.calls })
      }
    }
  }

  @Test func totalsHaveLimits() throws {
    let report = try Self.run.get().report
    #expect(report.threads == 1 && report.looks.count == 6)
    #expect(report.machine.peak == report.looks.map(\.peak).max())
    #expect(report.machine.peak > 1 && report.machine.memory > 0.1 && report.machine.sweep > 0.1)
    for total in report.totals {
      #expect(total.runs == 6)
      #expect(0 < total.minimum && total.minimum <= total.median)
      #expect(0 < total.limit && isClose(total.timesLimit, total.median / total.limit))
    }
  }

  /// Counted by hand for Examples/tiny.swift: B = 4, T = 24, C = 24, E = 3, K = 2, 2 blocks.
  @Test func productsAreCountedAsDocumented() throws {
    let report = try Self.run.get().report
    let (b, t, c, v, e, k) = (4, 24, 24, 65, 3, 2)
    let block =
      4 * 2 * b * t * c * c + 2 * 2 * b * c * t * (t + 1) / 2 + 2 * b * t * c * e
      + k * 3 * 2 * b * t * c * 2 * c
    let forward = 2 * block + 2 * b * t * c * v
    let flops = report.totals.map(\.productFlops)
    #expect(flops[0] == 3 * forward)
    #expect(flops[1] == forward)
    #expect(flops[2] == (2 * block) / b + 2 * c * v)
    #expect(flops[3] == forward / (b * t))
  }

  /// Fused calls have other operands than the graph's ops, and do the same products.
  @Test func callsDoTheProductsOfTheGraph() throws {
    let plan = try MeasuredLibrary(path: TinyLibrary.path.get()).plan
    for (phase, calls) in [(Phase.forward, \Layer.forward), (.backward, \.backward)] {
      let flops = plan.uses.flatMap { plan.layers[$0.layer][keyPath: calls] }
        .reduce(0) { $0 + CallCost($1).productFlops }
      #expect(flops == plan.graph.cost(phase).productFlops)
    }
  }

  @Test func everyCallIsPlaced() throws {
    let report = try Self.run.get().report
    let step = report.profiles[0].calls
    let expert = step.filter { $0.phase == "forward" && $0.kernel.hasPrefix("expert_linear") }
    #expect(expert.map(\.scope) == ["mixture_gate", "mixture_down"])
    #expect(expert.map(\.kernel) == ["expert_linear_parts", "expert_linear"])
    #expect(expert.allSatisfy { $0.file == "block.c" && $0.layer == "block" && $0.cost.calls == 2 })
    #expect(expert.allSatisfy { $0.source?.hasPrefix("tiny.swift:") == true })
    #expect(step.contains { $0.kernel == "adamw" } && step.contains { $0.phase == "backward" })
    #expect(report.profiles[1].calls.allSatisfy { $0.phase == "forward" })
    #expect(report.profiles[0].parts.contains { $0.name == "block mixture backward" })
  }

  @Test func theNormalLibraryHasNoClock() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: TinyLibrary.path.get()))
    #expect(bytes.range(of: Data("moec_profile".utf8)) == nil)
    #expect(bytes.range(of: Data("clock_gettime".utf8)) == nil)
  }

  // MARK: - Trace

  private struct Trace: Decodable {
    struct Event: Decodable {
      var name, ph: String
      var ts: Double
      var dur: Double?
      var pid, tid: Int
    }
    var traceEvents: [Event]
  }

  @Test func traceIsNested() throws {
    let trace = try JSONDecoder().decode(Trace.self, from: Self.run.get().trace)
    #expect(trace.traceEvents.filter { $0.ph == "M" }.count == 4)
    let complete = trace.traceEvents.filter { $0.ph == "X" }
    #expect(Set(complete.map(\.tid)) == [1, 2, 3, 4])
    for thread in 1...4 {
      let events = complete.filter { $0.tid == thread }
        .sorted { ($0.ts, -($0.dur ?? 0)) < ($1.ts, -($1.dur ?? 0)) }
      var open: [Double] = []
      for event in events {
        let end = event.ts + (try #require(event.dur))
        // Times have three digits: a nanosecond.
        while let last = open.last, last <= event.ts + 1e-4 { open.removeLast() }
        #expect(open.allSatisfy { end <= $0 + 1e-3 }, "\(event.name)")
        open.append(end)
      }
    }
    let names = complete.filter { $0.tid == 1 }.map(\.name)
    #expect(names.first == "step")
    #expect(names.filter { $0 == "block.1" }.count == 2)
    #expect(names.contains { $0.hasPrefix("expert_linear") && $0.hasSuffix(" mixture_up") })
  }

  // MARK: - Text and errors

  @Test func printsTables() throws {
    let library = try TinyLibrary.path.get()
    let result = try Command.moec(["bench", library, "--steps", "1", "--threads", "1", "--all"])
    #expect(result.status == 0, "\(result.errors)")
    for text in [
      "machine, in the same run: peak ", "step, by kernel", "generation, by kernel", "tokens/s of",
      "where the gap is", "expert_linear_weight_gradient", "between calls",
    ] {
      #expect(result.output.contains(text), "\(text)")
    }
    #expect(result.errors == "")
  }

  /// A first look fits on a terminal.
  @Test func printsTotalsInAFewLines() throws {
    let library = try TinyLibrary.path.get()
    let result = try Command.moec(["bench", library, "--steps", "1", "--threads", "1"])
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
    #expect((5...10).contains(lines.count), "\(result.output)")
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(result.output)")
    #expect(lines[0].hasPrefix("tiny: 28,056 parameters, "))
    #expect(lines.contains { $0.hasPrefix("step ") && $0.split(separator: " ").count == 5 })
    #expect(lines.last?.hasSuffix(": --all") == true)
  }

  @Test("What beats the measured peak is said to, and no gap is negative")
  func excess() throws {
    var report = try Self.run.get().report
    report.machine.peak = 1e6
    #expect(report.excesses.isEmpty && !report.text.contains("note: "))
    report.machine.peak = 1e-3
    report.profiles[0].kernels[0].cost.peakShare = 2.84
    report.profiles[0].kernels[0].cost.gap = -12.5
    let text = report.text
    let most = try #require(report.excesses.first)
    #expect(text.contains("note: \(most.name) did "))
    #expect(text.contains("measure again when it is idle") && text.contains("> 100 %"))
    // Of times that were measured, one may well have these digits.
    #expect(!text.contains("284.0 %") && !text.contains("-12.5"))
  }

  private static let clang: CCompiler? = {
    let compiler = try? CCompilerSearch(cache: ContentCache(folder: nil)).choose().compiler
    guard let compiler, compiler.version.contains("clang") else { return nil }
    #if arch(x86_64)
      return compiler
    #else
      return nil
    #endif
  }()

  /// Clang halves vector arithmetic of 64 bytes for these processors, unless it is spelled out.
  @Test(.enabled(if: clang != nil, "no clang for x86-64 here"))
  func thePeakIsThatOfTheWidestUnit() throws {
    let source = try ModelFixture.folder() + "/" + ProbeSource.name
    try ProbeSource.text.write(toFile: source, atomically: true, encoding: .utf8)
    let result = try Command.run(
      try #require(Self.clang).path,
      ["-std=c11", "-O3", "-march=icelake-server", "-fno-math-errno", "-S", "-o", "-", source])
    #expect(result.status == 0, "\(result.errors)")
    let peak =
      result.output.split(separator: "moec_probe_peak:").last?
      .split(separator: ".cfi_endproc").first ?? ""
    let products = peak.split(separator: "\n").filter { $0.contains(/vfmadd\w*ps/) }
    #expect(products.count >= 24)
    #expect(products.allSatisfy { $0.contains("%zmm") }, "\(products)")
  }

  /// Only where there are threads to take a batch each, and lanes for them.
  @Test func measuresPassesSideBySide() throws {
    let (shallow, deep) = (try TinyLibrary.path.get(), try TinyLibrary.deep.get())
    let rows = try [(shallow, "2"), (deep, "1"), (deep, "2")].map { library, threads in
      let result = try Command.moec(["bench", library, "--steps", "1", "--threads", threads])
      #expect(result.status == 0, "\(result.errors)")
      return result.output.split(separator: "\n").filter {
        $0.hasPrefix("evaluation side by side ")
      }
    }
    #expect(rows.map(\.count) == [0, 0, 1])
    #expect(try #require(rows[2].first).split(separator: " ").count == 8)
  }

  @Test(
    "Of a library that learns nothing generation is measured: a full context, and a token after others"
  )
  func measuresWhatInfers() throws {
    let result = try Command.moec(
      ["bench", TinyLibrary.inferring(), "--steps", "2", "--threads", "1", "--json"])
    try #require(result.status == 0, "\(result.errors)")
    let report = try BenchmarkReport(json: Data(result.output.utf8))
    #expect(report.totals.map(\.work) == [.generation, .cachedGeneration])
    #expect(report.profiles.map(\.work) == [.generation, .cachedGeneration])
    #expect(report.totals.allSatisfy { $0.median > 0 && $0.limit > 0 })
    #expect(report.profiles.allSatisfy { !$0.calls.isEmpty && $0.betweenCalls >= 0 })
    // Of a whole context the head makes one row, as of one token.
    let heads = report.profiles.map { $0.calls.last { $0.layer == "output" }?.cost.flops ?? 0 }
    #expect(heads[0] > 0 && heads[0] == heads[1])
  }

  /// The loss's kernel returns at once where there are no targets: it was said to do thousands of GFLOP/s.
  @Test func aTextThatGoesOnHasNoLoss() throws {
    let report = try Self.run.get().report
    for profile in report.profiles {
      let losses = profile.calls.filter { $0.kernel == "cross_entropy" }.map(\.cost.flops)
      let isAsked = profile.work == .step || profile.work == .evaluation
      #expect(losses.allSatisfy { ($0 > 0) == isAsked }, "\(profile.work)")
      #expect(!isAsked || !losses.isEmpty)
    }
  }

  @Test func saysWhatCannotBeMeasured() throws {
    expectFailure(
      try Command.moec(["bench", ModelFixture.bigram()]), "does not carry its sources")
    expectFailure(try Command.moec(["bench", "absent.so"]), "cannot read absent.so")
    expectFailure(
      try Command.moec(["bench", TinyLibrary.sharing(among: 3)]), "experts 3 ranks share out")
    let library = try TinyLibrary.path.get()
    expectFailure(
      try Command.moec(["bench", library, "--trace", "/nowhere/t.json"]), "cannot write /nowhere")
    #expect(try Command.moec(["bench", library, "--steps", "0"]).status == 64)
    #expect(try Command.moec(["bench", library, "--threads", "0"]).status == 64)
    let unknown = try Command.moec(["bench", library, "--cc", "/no/such/cc"])
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("--cc /no/such/cc: no such program"))
  }

  /// The time of a step whose loss is no number would be that of forward alone.
  @Test func refusesAModelThatGivesNoNumbers() throws {
    let library = try TinyLibrary.overflowing()
    expectFailure(
      try Command.moec(["bench", library, "--steps", "1", "--threads", "1"]),
      "the model's numbers are not finite in step, and ")
  }

  /// A plan that this moec would not make, in a library that is otherwise whole.
  @Test func refusesALibraryOfAnotherVersion() throws {
    let library = try TinyLibrary.path.get()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: library))
    let place = try #require(bytes.range(of: Data("plan of \"tiny\"\nsequences".utf8)))
    bytes[place.lowerBound] = UInt8(ascii: "P")
    let other = try ModelFixture.folder() + "/other.so"
    try bytes.write(to: URL(fileURLWithPath: other))
    expectFailure(
      try Command.moec(["bench", other]),
      "was compiled by another version of moec: its plan.txt differs")
  }
}
