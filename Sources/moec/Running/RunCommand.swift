import ArgumentParser
import Foundation
import Ranks
import Runner
import SystemFiles
import Toolchain

/// `moec run LIB.so --train|--evaluate|--generate|--route TEXT|--choices FILE`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract:
      "Trains a compiled model, evaluates it, writes text, answers questions, or shows what its experts do.",
    usage: "moec run LIB.so --train|--evaluate|--generate|--route TEXT|--choices FILE [options]",
    discussion: """
      EXAMPLES
        moec run libmakemoe.so --train
        moec run libmakemoe.so --train --resume runs/makemoe/weights.safetensors
        moec run libmakemoe.so --train --config settings.json --seed 2 --run second
        moec run libmakemoe.so --train --save w.safetensors --log losses.jsonl
        moec run libmakemoe.so --train --schedule cosine --warmup 200 --patience 10
        moec run libsmol.so --train --weights w.safetensors --data chats.jsonl
        moec run libmakemoe.so --evaluate --weights w.safetensors --data text.txt
        moec run libmakemoe.so --generate --weights w.safetensors --prompt "ROMEO:"
        moec run libmakemoe.so --route "ROMEO: what light?" --weights w.safetensors
        moec run libsmol.so --choices questions.jsonl --weights w.safetensors
      """)

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

  @Argument(help: "The library that 'moec compile' made.", completion: .library)
  var library: String

  /// What is to be done: a mode, to show routes or to answer questions.
  enum Task: String {
    case train, evaluate, generate, route, choices
  }

  /// Nil where there is none of them, or more than one.
  var task: Task? {
    let tasks = [
      mode.flatMap { Task(rawValue: $0.rawValue) }, routes.route == nil ? nil : .route,
      choice.choices == nil ? nil : .choices,
    ].compactMap { $0 }
    return tasks.count == 1 ? tasks[0] : nil
  }

  @Flag(exclusivity: .exclusive)
  var mode: Mode?

  @Option(
    help: ArgumentHelp(
      "Options as a JSON object, such as a run's settings.json; those given here win.",
      valueName: "file"), completion: .file(extensions: ["json"]))
  var config: String?

  @Option(
    help: """
      A UTF-8 text, a folder of token shards, or conversations, FILE.jsonl; the first 90 % are for \
      training. (default: \(Corpus.usualPath))
      """,
    completion: .file())
  var data: String?

  @Option(
    help: "A tokenizer.json. (default: that of the weights or shards, or characters)",
    completion: .tokenizer)
  var tokenizer: String?

  @Option(
    help: """
      A safetensors file with the parameters to start from, F32, or BF16, F16 and F64, which \
      become F32.
      """, completion: .weights)
  var weights: String?

  @Flag(help: "With --weights: start parameters that the file lacks as in a new model.")
  var allowMissing = false

  @Option(parsing: .unconditional, help: "The seed of all randomness. (default: 1337)")
  var seed: UInt64?

  @Option(parsing: .unconditional, help: "Threads to use. (default: as many as may run at once)")
  var threads: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Share the batches of --train and --evaluate, questions, or a library's experts, among so many threads, \
      each a rank as under mpirun.
      """, valueName: "n"))
  var ranks: Int?

  @Flag(name: .shortAndLong, help: "Print nothing but losses, texts and errors.")
  var quiet = false

  @OptionGroup(title: "With conversations, for --train and --evaluate")
  var conversations: ConversationArguments

  @OptionGroup(title: "With --train")
  var training: TrainingOptions

  @OptionGroup(title: "Tracking, with --train")
  var tracking: TrackingOptions

  @Option(
    parsing: .unconditional,
    help: """
      With --train and --evaluate: batches for each part of the data at most. (default: 400, and of \
      conversations all to validate)
      """)
  var evalBatches: Int?

  @OptionGroup(title: "With --generate")
  var generation: GenerationOptions

  @OptionGroup(title: "Questions")
  var choice: ChoiceOptions

  @OptionGroup(title: "What experts do")
  var routes: RouteOptions

  func run() throws {
    try reportingErrors {
      let command = try configured()
      switch command.task {
      case .train: try command.inRanks { try $0.train($1) }
      case .evaluate: try command.inRanks { try $0.evaluate($1) }
      case .generate: try command.inRanks { try $0.generate($1) }
      case .route: try command.showRoutes(of: command.routes.route ?? "")
      case .choices:
        let path = command.choice.choices ?? ""
        try command.inRanks { try $0.choose($1, from: path) }
      // Refused by validate().
      case nil: return
      }
    }
  }

  private func evaluate(_ ranks: Ranks) throws {
    var options = options
    options.ranks = ranks
    options.usualThreads = usualThreads(of: ranks)
    let session = try open(options)
    tell(session.summary)
    noteUntrained()
    let batches = evalBatches ?? session.usualEvaluationBatches
    let evaluation = try session.evaluate(batches: batches, showsProgress: !quiet)
    if ranks.isFirst { try printTable("\(evaluation.line)\n\(evaluation.perplexity)\n") }
  }

  var options: Session.Options {
    var options = Session.Options(library: library)
    options.data = data
    options.conversations = conversations.options
    options.tokenizer = tokenizer
    options.seed = seed
    options.threads = threads
    options.allowsMissing = allowMissing
    options.allowsOtherData = training.allowOtherData
    if let weights { options.parameters = .weights(weights) }
    if let resume = training.resume { options.parameters = .checkpoint(resume) }
    return options
  }

  /// Opens everything, and says what is to be said of it.
  func open(_ options: Session.Options) throws -> Session {
    let session: Session
    do { session = try Session(options) } catch let error as CorpusError {
      if case .noCharacters = error { noteUntrained() }
      throw error
    }
    if let note = session.threadNote { tell("note: \(note)") }
    for note in session.notes { tell("note: \(note)") }
    return session
  }

  /// Says that a model knows nothing yet, and where weights are that do.
  func noteUntrained() {
    guard weights == nil else { return }
    let known = RunFolder.newestWeights(of: library)
    tell(
      "note: the model is untrained, and what it gives is noise: name trained parameters with "
        + "--weights " + (known.map(ShellWord.quoted) ?? "FILE"))
  }

  /// What a person may want to know; `--quiet` leaves it out.
  func tell(_ text: String) {
    guard !quiet else { return }
    printToStandardError(Wrapping.text(text, columns: Terminal.columns(STDERR_FILENO) ?? .max))
  }
}
