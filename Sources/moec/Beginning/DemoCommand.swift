import ArgumentParser
import Codegen
import Driver
import Foundation
import GraphIR
import Planning
import Runner
import SystemFiles
import Words

/// `moec demo`: every stage once, from a model in Swift to text that it wrote.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Compiles the example model, trains it for a minute, and lets it write.",
    discussion: """
      Uses Examples/makemoe.swift and Data/shakespeare.txt of the clone or the installation that \
      moec is in.

      EXAMPLES
        moec demo
        moec demo --steps 2000 --output demo
      """)

  @Option(parsing: .unconditional, help: "Training steps.")
  var steps = 600

  @Option(parsing: .unconditional, help: "The seed of all randomness.")
  var seed = RandomStream.usualSeed

  @Option(help: "The folder for the C, the library and the weights.", completion: .directory)
  var output = ".build/demo"

  @Flag(help: "Replace weights there that were trained further.")
  var overwrite = false

  func validate() throws {
    guard (1...1_000_000).contains(steps) else {
      throw ValidationError("--steps must be from 1 to 1000000, not \(steps)")
    }
    guard !output.isEmpty else { throw ValidationError("--output must name a folder") }
  }

  func run() throws {
    try reportingErrors {
      var demo = Demo(clone: try Clone.find(), folder: output, steps: steps, seed: seed)
      demo.overwrites = overwrite
      try demo.run()
    }
  }
}

/// The stages of the demonstration and what is said about each.
struct Demo {
  var clone: Clone
  var folder: String
  var steps: Int
  var seed: UInt64
  var overwrites = false
  private let output = PatientOutput()

  init(clone: Clone, folder: String, steps: Int, seed: UInt64) {
    (self.clone, self.folder, self.steps, self.seed) = (clone, folder, steps, seed)
  }

  func run() throws {
    if !overwrites { try Session.checkDemonstration(at: weights, steps: steps, of: library) }
    output.print("moec demo: from a model in Swift to text that it wrote\n\n")
    let library = try compile()
    let lock = try FileLock(weights)
    defer { lock?.release() }
    let session = try open(library)
    try train(session)
    try write(session)
    output.print(furtherCommands(library))
  }

  // MARK: - The compiler

  private func compile() throws -> String {
    let compilation = Compilation.onTerminal(clone.model)
    let (traced, source) = try compilation.trace()
    let lines = source.model.split(separator: "\n", omittingEmptySubsequences: false).count - 1
    say("model", "\(clone.model), \(lines) lines of Swift")
    let graph = try compilation.transformed(traced)
    say(
      "graph",
      "\(traced.nodes.count) operations; \(graph.nodes.count) with gradients, after all passes")
    let plan = try compilation.plan(graph, source: source)
    let code = try compilation.generate(plan, source: source)
    try write(code, plan)
    return try build(compilation, code)
  }

  private var codeFolder: String { "\(folder)/makemoe" }
  private var weights: String { "\(folder)/makemoe.safetensors" }
  private var library: String { "\(folder)/libmakemoe.\(Compilation.libraryExtension)" }

  private func write(_ code: GeneratedModel, _ plan: Plan) throws {
    let target = try GeneratedFolder(codeFolder, option: "--output")
    var claims = FileClaims()
    target.claim(code.files, in: &claims)
    claims.write(library, "the library of --output", over: .library)
    claims.write(Compilation.header(of: library), "the header of --output", over: .header)
    try claims.check()
    try target.write(code.files)
    let lines = code.files.filter { $0.path.hasSuffix(".c") }.map { file in
      file.text.count(where: { $0 == "\n" })
    }
    say("C", "\(lines.count) files, \(lines.reduce(0, +)) lines, in \(codeFolder)")
    if let block = plan.mostUsedLayer {
      say("", "\(codeFolder)/\(block.name).c is the one to read first")
    }
  }

  private func build(_ compilation: Compilation, _ code: GeneratedModel) throws -> String {
    let start = ContinuousClock.now
    let built = try compilation.build(
      code, in: GeneratedFolder(codeFolder, option: "--output").url,
      output: URL(fileURLWithPath: PlainPath.of(library) ?? library))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let time = seconds < 0.2 ? "as built before" : String(format: "built in %.1f s", seconds)
    say("library", "\(library), \(time)")
    if let note = built.note { say("", note) }
    return library
  }

  // MARK: - The library

  private func open(_ library: String) throws -> Session {
    var options = Session.Options(library: library)
    options.data = clone.data
    options.seed = seed
    return try Session(options)
  }

  private func train(_ session: Session) throws {
    var settings = TrainingSettings()
    settings.steps = steps
    settings.evaluationInterval = 100
    settings.evaluationBatches = 20
    say("train", "\(steps) steps on \(clone.data), threads: \(session.threads)")
    let start = ContinuousClock.now
    Interruption.watch()
    var listeners = TrainingListeners()
    listeners.output = { say("", $0) }
    listeners.isInterrupted = { Interruption.signal != nil }
    let step = try session.train(settings, listeners: listeners).step
    try session.save(to: weights, step: step, settings)
    let seconds = Int(((ContinuousClock.now - start) / .seconds(1)).rounded())
    say("", "\(seconds) s; \(try session.fingerprintLine(after: step))")
    say("weights", weights)
    if let signal = Interruption.signal { throw ExitCode(128 + signal) }
  }

  private func write(_ session: Session) throws {
    say("text", "400 characters that the model writes:\n")
    var settings = GenerationSettings()
    settings.seed = seed
    settings.tokens = 400
    try session.generate(settings) { output.print($0) }
    output.print("\n\n")
  }

  private func furtherCommands(_ library: String) -> String {
    let (library, weights) = (ShellWord.quoted(library), ShellWord.quoted(weights))
    let moec = Invocation.moec()
    return """
      To go on from here:
        \(moec) run \(library) --train --resume \(weights) --save \(weights) --steps 5000
        \(moec) run \(library) --generate --weights \(weights) --prompt "To be"

      """
  }

  /// A stage's name in the margin, or nothing there, and what there is to say.
  private func say(_ stage: String, _ text: String) {
    output.print(stage.padded(to: 10) + text + "\n")
  }
}

extension Plan {
  /// The layer that makes up most of the model, such as its block.
  fileprivate var mostUsedLayer: Layer? {
    let counts = layers.indices.map { layer in uses.count { $0.layer == layer } }
    return zip(layers, counts).max { $0.1 < $1.1 }?.0
  }
}
