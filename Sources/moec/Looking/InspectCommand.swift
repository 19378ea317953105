import ArgumentParser
import Benchmark
import Driver
import Foundation
import Inspection
import ModelRuntime
import Planning
import SystemFiles

/// `moec inspect LIB.so --summary|--layer NAME|--memory|--exchange|--graph dot|--html FILE|--extract DIR`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Looks into a compiled model.",
    discussion: """
      A library carries the model's source, its graph, its plan and all generated C. The head of \
      model.c has the line that builds the library from them again.

      EXAMPLES
        moec inspect libmakemoe.so --summary --bench bench.json
        moec inspect libmakemoe.so --layer block.mixture
        moec inspect libmakemoe.so --memory
        moec inspect libmakemoe.so --exchange --ranks 4 --accumulate 8
        moec inspect libmakemoe.so --graph svg > makemoe.svg
        moec inspect libmakemoe.so --html makemoe.html --bench bench.json
        moec inspect libmakemoe.so --extract sources
      """)

  enum Drawing: String, ExpressibleByArgument, CaseIterable {
    case dot, svg
  }

  @ArgumentParser.Argument(help: "The library that 'moec compile' made.", completion: .library)
  var library: String

  @Flag(help: "Print layers, shapes, parameters, FLOPs and bytes.")
  var summary = false

  @Option(
    help: "Print a layer's ops, the C that they became, and its buffers: block, block.mixture.")
  var layer: String?

  @Flag(help: "Print what the arena holds over the life of a step.")
  var memory = false

  @Flag(help: "Print what ranks exchange in an update, and the memory of each.")
  var exchange = false

  @Option(parsing: .unconditional, help: "With --exchange: how many ranks. (default: 2)")
  var ranks: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --exchange: batches of an update. (default: one for each rank)", valueName: "n"))
  var accumulate: Int?

  @Option(
    help: "Print the graph for Graphviz, or drawn by it, each distinct layer once: dot or svg.")
  var graph: Drawing?

  @Option(
    help: ArgumentHelp(
      "Write a page with the model, its graph, its C and its memory side by side.",
      valueName: "file"),
    completion: .file(extensions: ["html"]))
  var html: String?

  @Option(
    help: ArgumentHelp(
      "Show the times that 'moec bench --json' printed to a file, with --summary or --html.",
      valueName: "file"),
    completion: .file(extensions: ["json"]))
  var bench: String?

  @Option(
    help: ArgumentHelp("Write the files that the library was made from.", valueName: "dir"),
    completion: .directory)
  var extract: String?

  @OptionGroup var time: TimeLimit

  func validate() throws {
    let given = [
      summary, layer != nil, memory, exchange, graph != nil, html != nil, extract != nil,
    ]
    let count = given.count { $0 }
    guard count == 1 else {
      throw ValidationError(
        (count == 0 ? "say what to look at, one of " : "give no more than one of ")
          + "--summary, --layer, --memory, --exchange, --graph, --html and --extract")
    }
    try checkRanks()
    if bench != nil && html == nil && !summary {
      throw ValidationError("--bench goes with --summary or --html")
    }
  }

  private func checkRanks() throws {
    if !exchange, ranks != nil || accumulate != nil {
      throw ValidationError("--ranks and --accumulate go with --exchange")
    }
    for (name, value) in [("--ranks", ranks), ("--accumulate", accumulate)] {
      guard let value, !(1...1024).contains(value) else { continue }
      throw ValidationError("\(name) must be from 1 to 1,024, not \(value)")
    }
    if let accumulate, accumulate % (ranks ?? 2) != 0 {
      throw ValidationError(
        "\(accumulate) batches cannot be shared out among \(ranks ?? 2) ranks: --accumulate must be a "
          + "multiple of --ranks")
    }
  }

  func run() throws {
    try reportingErrors {
      if let extract { return try write(to: extract) }
      if let html { return try writePage(to: html) }
      let carried = try CarriedPlan(library: library)
      if summary { try printTable(try text(ofSummary: carried.plan)) }
      if let layer { try printTable(try LayerReport(carried, path: layer).text) }
      if memory { try printTable(MemoryReport(carried.plan).text) }
      if exchange {
        let ranks = ranks ?? 2
        try printTable(
          ExchangeReport(carried.plan, ranks: ranks, batches: accumulate ?? ranks).text)
      }
      switch graph {
      case .dot: try printNow(GraphDrawing(carried.plan).dot)
      case .svg: try printNow(try GraphDrawing(carried.plan).svg(limit: time.timeLimit))
      case nil: break
      }
    }
  }

  private func text(ofSummary plan: Plan) throws -> String {
    let times = try bench.map { "\n\n" + (try MeasuredTimes(file: $0, of: plan)).text }
    return plan.summary + (times ?? "") + "\n"
  }

  private func write(to folder: String) throws {
    let sources = try EmbeddedSources(library: library)
    var claims = FileClaims()
    claims.read(library, "the library")
    let target = try GeneratedFolder(folder, option: "--extract")
    for file in sources.files { target.claim(file.bytes, file.path, in: &claims) }
    try claims.check()
    try sources.write(to: folder)
    try printNow("\(sources.files.count) files in \(folder)\n")
  }

  private func writePage(to path: String) throws {
    var claims = FileClaims()
    claims.read(library, "the library")
    claims.read(bench, "--bench")
    claims.write(path, "--html", over: .page)
    try claims.check()
    try AtomicFile.check(path)
    let model = try InspectedModel(library: library)
    if let notice = model.notice { printToStandardError("note: \(notice)") }
    let page = try ModelPage(model, bench: bench).page
    try AtomicFile.write(page.html, to: path)
    try printNow("wrote \(path)\n")
  }
}
