import ArgumentParser
import Codegen
import Foundation
import GraphIR
import ModelRuntime
import Planning
import Runner

/// `moec demo`: every stage once, from a model in Swift to text that it wrote.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Compiles the example model, trains it for a minute, and lets it write.",
    discussion: """
      Needs a clone of moec, whose Examples/makemoe.swift and Data/shakespeare.txt it uses.

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

  func validate() throws {
    guard (1...1_000_000).contains(steps) else {
      throw ValidationError("--steps must be from 1 to 1000000, not \(steps)")
    }
    guard !output.isEmpty else { throw ValidationError("--output must name a folder") }
  }

  func run() throws {
    // A file that grows past `ulimit -f` is then an error that we can report, not our death.
    signal(SIGXFSZ, SIG_IGN)
    try reportingErrors {
      let demo = Demo(clone: try Clone.find(), folder: output, steps: steps, seed: seed)
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

  func run() throws {
    try printNow("moec demo: from a model in Swift to text that it wrote\n\n")
    let library = try compile()
    let session = try open(library)
    try train(session)
    try write(session)
    try printNow(furtherCommands(library))
  }

  // MARK: - The compiler

  private func compile() throws -> String {
    let compilation = Compilation(model: clone.model)
    let (traced, source) = try compilation.trace()
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).count - 1
    try say("model", "\(clone.model), \(lines) lines of Swift")
    let graph = try compilation.transformed(traced)
    try say(
      "graph",
      "\(traced.nodes.count) operations; \(graph.nodes.count) with gradients, after all passes")
    let plan = try compilation.plan(graph, source: source)
    let code = try compilation.generate(plan, source: source)
    try write(code, plan)
    return try build(compilation, code)
  }

  private var codeFolder: String { "\(folder)/makemoe" }
  private var weights: String { "\(folder)/makemoe.safetensors" }

  private func write(_ code: GeneratedModel, _ plan: Plan) throws {
    try GeneratedFolder(url: URL(fileURLWithPath: codeFolder), option: "--output").write(code.files)
    let lines = code.files.filter { $0.path.hasSuffix(".c") }.map { file in
      file.text.count(where: { $0 == "\n" })
    }
    try say("C", "\(lines.count) files, \(lines.reduce(0, +)) lines, in \(codeFolder)")
    if let block = plan.mostUsedLayer {
      try say("", "\(codeFolder)/\(block.name).c is the one to read first")
    }
  }

  private func build(_ compilation: Compilation, _ code: GeneratedModel) throws -> String {
    let library = "\(folder)/libmakemoe.\(CompileCommand.libraryExtension)"
    let start = ContinuousClock.now
    let note = try compilation.build(
      code, in: URL(fileURLWithPath: codeFolder), output: URL(fileURLWithPath: library))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let time = seconds < 0.2 ? "as built before" : String(format: "built in %.1f s", seconds)
    try say("library", "\(library), \(time)")
    if let note { try say("", note) }
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
    try say("train", "\(steps) steps on \(clone.data), threads: \(session.threads)")
    let start = ContinuousClock.now
    try session.train(settings) { try say("", $0) }
    try session.save(to: weights, step: steps, settings)
    let seconds = Int(((ContinuousClock.now - start) / .seconds(1)).rounded())
    try say("", "\(seconds) s; \(try session.fingerprintLine(after: steps))")
    try say("weights", weights)
  }

  private func write(_ session: Session) throws {
    try say("text", "400 characters that the model writes:\n")
    var settings = GenerationSettings()
    settings.seed = seed
    settings.tokens = 400
    try session.generate(settings) { try printNow($0) }
    try printNow("\n\n")
  }

  private func furtherCommands(_ library: String) -> String {
    """
    To go on from here:
      swift run moec run \(library) --train --resume \(weights) --save \(weights) --steps 5000
      swift run moec run \(library) --generate --weights \(weights) --prompt "To be"

    """
  }

  /// A stage's name in the margin, or nothing there, and what there is to say.
  private func say(_ stage: String, _ text: String) throws {
    try printNow(stage.padding(toLength: 10, withPad: " ", startingAt: 0) + text + "\n")
  }
}

extension Plan {
  /// The layer that makes up most of the model, such as its block.
  fileprivate var mostUsedLayer: Layer? {
    let counts = layers.indices.map { layer in uses.count { $0.layer == layer } }
    return zip(layers, counts).max { $0.1 < $1.1 }?.0
  }
}

/// Where the example and its text are.
struct Clone {
  var model: String
  var data: String

  private static let model = "Examples/makemoe.swift"

  /// The current folder if it is a clone, or else the nearest one around moec itself.
  static func find() throws -> Clone {
    let files = FileManager.default
    let executable = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
    let folders = [""] + ancestors(of: executable.resolvingSymlinksInPath()).map { $0 + "/" }
    guard let folder = folders.first(where: { files.fileExists(atPath: $0 + model) }) else {
      throw CompilationError(
        message: "\(model) is neither in the current folder nor in one around moec",
        hint: "run 'swift run moec demo' in a clone of moec")
    }
    let data = folder + Corpus.usualPath
    guard files.fileExists(atPath: data) else {
      throw CompilationError(
        message: "\(data) is not there, and the demo trains on it",
        hint: "python3 Data/build.py makes it, and so does 'git checkout Data/shakespeare.txt'")
    }
    return Clone(model: folder + model, data: data)
  }

  private static func ancestors(of file: URL) -> [String] {
    var folders: [String] = []
    var folder = file.deletingLastPathComponent()
    while folder.path.count > 1 {
      folders.append(folder.path)
      folder = folder.deletingLastPathComponent()
    }
    return folders
  }
}
