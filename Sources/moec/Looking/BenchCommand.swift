import ArgumentParser
import Benchmark
import Driver
import Foundation
import Runner
import SystemFiles
import Toolchain

/// `moec bench LIB.so`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures a compiled model: how long it takes, where, and what the machine allows.",
    discussion: """
      Times a training step, an evaluation pass and the generation of a token, as they are and \
      kernel by kernel, beside this machine's peak and bandwidth, measured in the same run. \
      Evaluation is timed as one pass that all threads share, and side by side, a batch on each \
      thread, as training evaluates. Of a library that was compiled with --inference generation \
      alone is timed: a prompt as long as the context, and a token after others.

      EXAMPLES
        moec bench libmakemoe.so
        moec bench libmakemoe.so --all
        moec bench libmakemoe.so --threads 1 --json > bench.json
        moec bench libmakemoe.so --steps 5 --trace trace.json   # for chrome://tracing
      """)

  @Argument(help: "The library that 'moec compile' made.", completion: .library)
  var library: String

  @Option(help: "How often each kind of work is measured.")
  var steps = 20

  @Option(help: "How many threads. (default: as many as may run at once)")
  var threads: Int?

  @Flag(help: "Print also where the time goes, kernel by kernel and call by call.")
  var all = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp("Write the last runs in the Chrome trace format.", valueName: "file"),
    completion: .file())
  var trace: String?

  @Option(
    help: "The C compiler for the variant with a clock; give the library's own.",
    completion: .file())
  var cc: String?

  func validate() throws {
    guard (1...1_000_000).contains(steps) else {
      throw ValidationError("--steps must be from 1 to 1000000, not \(steps)")
    }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads)")
    }
  }

  func run() throws {
    try reportingErrors {
      var claims = FileClaims()
      claims.read(library, "the library")
      claims.read(cc, "--cc")
      claims.write(trace, "--trace", over: .trace)
      try claims.check()
      if let trace { try AtomicFile.check(trace) }
      if let note = Session.threadNote(asked: threads, .current) {
        printToStandardError("note: \(note)")
      }
      var options = Benchmark.Options()
      options.steps = steps
      options.threads = threads
      options.compiler = cc
      let result = try measured(options)
      if let trace {
        try AtomicFile.write(String(decoding: try result.trace.json(), as: UTF8.self), to: trace)
      }
      let json = try self.json ? String(decoding: result.report.json(), as: UTF8.self) + "\n" : nil
      if let json { return try printNow(json) }
      try printTable(all ? result.report.text : result.report.shortText)
    }
  }

  private func measured(_ options: Benchmark.Options) throws -> Benchmark.Result {
    do {
      return try Benchmark.measure(library: library, options: options)
    } catch let error as ToolchainError {
      throw CompilationError(error.description)
    }
  }
}
