import ArgumentParser
import Foundation
import GraphIR
import ModelRuntime
import RandomModels

/// `moec-fuzz`: random models, compiled, beside the interpreter.
@main
struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moec-fuzz",
    abstract: "Compiles random models and compares what their C computes with the interpreter.",
    discussion: """
      Every model has a number, its seed, and is the same wherever it is made. A model that is \
      compiled wrongly is made smaller while it stays wrong, and printed as the text of its graph.

      EXAMPLES
        swift run moec-fuzz --seconds 600 --seed 1
        swift run moec-fuzz --seed 4711 --count 1
        swift run moec-fuzz --graph wrong.txt
      """)

  @Option(help: "How long to go on.")
  var seconds = 60.0

  @Option(help: "The first model; the next ones follow.")
  var seed: UInt64 = 1

  @Option(help: "How many models at most.")
  var count = Int.max

  @Option(help: "Check the graph in this file instead.", completion: .file())
  var graph: String?

  @Option(help: "The C compiler.", completion: .file())
  var cc: String?

  @Option(name: .customLong("repeat"), help: "How often threads and ranks are compared.")
  var repeats = 1

  @Flag(help: "Print wrong models as they are, not made smaller.")
  var noReduce = false

  func run() throws {
    Processors.waitPassively()
    CrashReport.begin()
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-fuzz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let check = ModelCheck(compiler: cc, folder: folder, kernels: .full, repeats: repeats)
    let tally = graph == nil ? search(check) : try checkFile(check)
    print(tally.text)
    if tally.wrong > 0 { throw ExitCode.failure }
  }

  private func checkFile(_ check: ModelCheck) throws -> Tally {
    let text = try String(contentsOfFile: graph ?? "", encoding: .utf8)
    var tally = Tally()
    let outcome = check.outcome(of: try Graph(parsing: text), seed: seed)
    tally.add(outcome)
    switch outcome {
    case .wrong(let reasons): print(reasons.joined(separator: "\n"))
    case .refused(let refusal): print(refusal)
    case .right, .undecided: break
    }
    return tally
  }

  private func search(_ check: ModelCheck) -> Tally {
    let start = ContinuousClock.now
    var tally = Tally()
    var seed = seed
    while tally.all < count, ContinuousClock.now - start < .seconds(seconds) {
      CrashReport.note(seed: seed)
      do {
        let graph = try RandomModel(seed: seed).changed()
        let outcome = check.outcome(of: graph, seed: seed)
        tally.add(outcome)
        if case .wrong(let reasons) = outcome {
          report(graph, seed, reasons, check, until: start + .seconds(seconds))
        }
        if case .refused(let refusal) = outcome { say("seed \(seed): refused: \(refusal)") }
      } catch {
        tally.refused += 1
        say("seed \(seed): refused: \(error)")
      }
      if tally.all % 100 == 0 { say("seed \(seed): \(tally.text)") }
      seed &+= 1
    }
    return tally
  }

  /// It is made smaller for a minute, or for as long as there is.
  private func report(
    _ graph: Graph, _ seed: UInt64, _ reasons: [String], _ check: ModelCheck,
    until end: ContinuousClock.Instant
  ) {
    say("seed \(seed): wrong")
    for reason in reasons.prefix(6) { say("  \(reason)") }
    guard !noReduce else { return say(graph.text) }
    let last = max(end, ContinuousClock.now + .seconds(60))
    let reducer = GraphReducer { smaller in
      ContinuousClock.now < last && check.outcome(of: smaller, seed: seed).isWrong
    }
    say(reducer.reduced(graph).text)
  }

  /// Prints at once, whoever reads it.
  private func say(_ text: String) {
    print(text)
    fflush(nil)
  }
}

/// How many models came out how.
struct Tally {
  private(set) var right = 0
  private(set) var undecided = 0
  private(set) var wrong = 0
  var refused = 0
  private var error = 0.0

  var all: Int { right + undecided + wrong + refused }

  mutating func add(_ outcome: ModelCheck.Outcome) {
    switch outcome {
    case .right(_, let error):
      right += 1
      self.error = max(self.error, error)
    case .undecided: undecided += 1
    case .refused: refused += 1
    case .wrong: wrong += 1
    }
  }

  var text: String {
    "\(all) models: \(right) right (largest relative error \(error)), \(undecided) decided by "
      + "rounding, \(refused) refused, \(wrong) wrong"
  }
}
