import ArgumentParser
import Foundation
import ModelRuntime
import Runner

/// `moec run LIB.so --train|--evaluate|--generate`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Trains a compiled model, evaluates it, or writes text with it.",
    usage: "moec run LIB.so --train|--evaluate|--generate [options]")

  enum Mode: String, EnumerableFlag {
    case train, evaluate, generate

    static func help(for mode: Mode) -> ArgumentHelp? {
      switch mode {
      case .train: return "Train, and print the losses as training goes on."
      case .evaluate: return "Print the losses on both parts of the text."
      case .generate: return "Write text."
      }
    }
  }

  @Argument(help: "The library that 'moec compile' made.")
  var library: String

  @Flag(exclusivity: .exclusive)
  var mode: Mode

  @Option(help: "A UTF-8 text or a folder of token shards. (default: \(Corpus.usualPath))")
  var data: String?

  @Option(help: "A tokenizer.json. (default: that of the weights or shards, or characters)")
  var tokenizer: String?

  @Option(help: "A safetensors file with the parameters to start from.")
  var weights: String?

  @Option(parsing: .unconditional, help: "The seed of all randomness. (default: 1337)")
  var seed: UInt64?

  @Option(parsing: .unconditional, help: "Threads to use. (default: one for each core)")
  var threads: Int?

  @OptionGroup(title: "With --train")
  var training: TrainingOptions

  @Option(
    parsing: .unconditional,
    help: "With --train and --evaluate: batches for each part of the text. (default: 400)")
  var evalBatches: Int?

  @OptionGroup(title: "With --generate")
  var generation: GenerationOptions

  struct TrainingOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Training steps in all. (default: 5000)")
    var steps: Int?

    @Option(parsing: .unconditional, help: "The optimizer's learning rate. (default: the model's)")
    var learningRate: Float?

    @Option(parsing: .unconditional, help: "Steps between evaluations. (default: 100)")
    var evalInterval: Int?

    @Option(help: "Save the weights here, at each evaluation and at the end.")
    var save: String?

    @Option(help: "Go on from a file that --save wrote.")
    var resume: String?

    @Option(help: "Write the losses here, as JSON lines.")
    var log: String?
  }

  struct GenerationOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Text to continue.")
    var prompt: String?

    @Option(
      parsing: .unconditional,
      help: "Tokens to write: characters, if there is no tokenizer. (default: 500)")
    var tokens: Int?

    @Option(
      parsing: .unconditional,
      help: "Divides the logits: below 1 is safer, above 1 is wilder, 0 takes the likeliest.")
    var temperature: Double?

    @Option(parsing: .unconditional, help: "Draw from the likeliest so many tokens only.")
    var topK: Int?
  }

  func run() throws {
    // A file that grows past `ulimit -f` is then an error that we can report, not our death.
    signal(SIGXFSZ, SIG_IGN)
    try reportingErrors {
      switch mode {
      case .train: try train()
      case .evaluate: try evaluate()
      case .generate: try generate()
      }
    }
  }
}

// MARK: - Modes

extension RunCommand {
  private func train() throws {
    let session = try Session(options)
    var settings = TrainingSettings()
    settings.learningRate = training.learningRate
    settings.steps = training.steps ?? settings.steps
    settings.evaluationInterval = training.evalInterval ?? settings.evaluationInterval
    settings.evaluationBatches = evalBatches ?? settings.evaluationBatches
    var files = TrainingFiles()
    files.save = training.save
    files.log = training.log
    printToStandardError(session.summary)
    try session.train(settings, files: files) { try printNow($0 + "\n") }
    printToStandardError(try session.fingerprintLine(after: settings.steps))
  }

  private func evaluate() throws {
    let session = try Session(options)
    printToStandardError(session.summary)
    let batches = evalBatches ?? TrainingSettings().evaluationBatches
    try printNow(try session.evaluate(batches: batches).line + "\n")
  }

  private func generate() throws {
    var options = options
    options.text = .vocabulary
    let session = try Session(options)
    var settings = GenerationSettings()
    settings.seed = seed ?? settings.seed
    settings.tokens = generation.tokens ?? settings.tokens
    settings.temperature = generation.temperature ?? settings.temperature
    settings.topK = generation.topK
    try session.generate(prompt: generation.prompt ?? "", settings) { try printNow($0) }
    try printNow("\n")
  }

  private var options: Session.Options {
    var options = Session.Options(library: library)
    options.data = data
    options.tokenizer = tokenizer
    options.seed = seed
    options.threads = threads
    if let weights { options.parameters = .weights(weights) }
    if let resume = training.resume { options.parameters = .checkpoint(resume) }
    return options
  }
}
