import ArgumentParser
import Chat
import Foundation
import Runner
import SystemFiles

/// `moec chat LIB.so --weights FILE`.
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Talks with an instruct model, by its own chat template.",
    discussion: """
      EXAMPLES
        moec chat libsmol.so --weights build/smol/weights.safetensors
        moec chat libsmol.so --weights w.safetensors --system "You answer in rhymes."
        echo "What is a sea?" | moec chat libsmol.so --weights w.safetensors --quiet
      """)

  @Argument(help: "The library that 'moec compile' made.", completion: .library)
  var library: String

  @Option(help: "The model's weights.", completion: .weights)
  var weights: String

  @Option(help: "A tokenizer.json. (default: that of the weights)", completion: .tokenizer)
  var tokenizer: String?

  @Option(
    help: ArgumentHelp(
      "The template. (default: chat_template.jinja beside the weights)", valueName: "file"),
    completion: .file())
  var template: String?

  @Option(parsing: .unconditional, help: "What the model is told before all messages.")
  var system: String?

  @Option(parsing: .unconditional, help: "Tokens of an answer at most. (default: 500)")
  var tokens: Int?

  @Option(
    parsing: .unconditional, help: "Divides the logits; 0 takes the likeliest. (default: 0.7)")
  var temperature: Double?

  @Option(parsing: .unconditional, help: "Draw from the likeliest so many tokens only.")
  var topK: Int?

  @Option(parsing: .unconditional, help: "Draw from the likeliest with this probability together.")
  var topP: Double?

  @Option(
    name: .customLong("stop"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("End an answer before this; may be given again.", valueName: "text"))
  var stops: [String] = []

  @Option(parsing: .unconditional, help: "The seed of all randomness. (default: 1337)")
  var seed: UInt64?

  @Option(parsing: .unconditional, help: "Threads to use. (default: as many as may run at once)")
  var threads: Int?

  @Flag(name: .shortAndLong, help: "Print nothing but answers and errors.")
  var quiet = false

  func validate() throws {
    if let tokens, tokens < 1 {
      throw ValidationError("--tokens must be at least 1, not \(tokens)")
    }
    if let topK, topK < 1 { throw ValidationError("--top-k must be at least 1, not \(topK)") }
    if let threads, threads < 1 {
      throw ValidationError("--threads must be at least 1, not \(threads)")
    }
    if let temperature, !(temperature >= 0 && temperature.isFinite) {
      throw ValidationError("--temperature must be a number of at least 0, not \(temperature)")
    }
    if let share = topP, !(share > 0 && share <= 1) {
      throw ValidationError("--top-p must be above 0 and at most 1, not \(share)")
    }
    if stops.contains("") { throw ValidationError("--stop needs a text") }
  }

  func run() throws {
    try reportingErrors {
      let files = try ChatFiles(beside: weights, template: template)
      guard let template = files.template else { throw NoTemplate(path: files.path) }
      var options = Session.Options(library: library)
      options.tokenizer = tokenizer
      options.threads = threads
      options.seed = seed
      options.text = .vocabulary
      options.parameters = .weights(weights)
      let session = try Session(options)
      var conversation = try Conversation(
        session, template, facts: files.facts, system: system, settings)
      try talk(&conversation)
    }
  }

  private var settings: GenerationSettings {
    var settings = GenerationSettings()
    settings.tokens = tokens ?? settings.tokens
    settings.temperature = temperature ?? 0.7
    (settings.topK, settings.topP, settings.stops) = (topK, topP, stops)
    settings.seed = seed ?? settings.seed
    return settings
  }

  /// A message, an answer, and so on until the input ends. Ctrl-C ends an answer, and while a message is waited
  /// for, the command.
  private func talk(_ conversation: inout Conversation) throws {
    Interruption.watch()
    let input = PromptReader(isShown: !quiet)
    if input.isShown {
      printToStandardError("type a message; Ctrl-C ends an answer, and here, as Ctrl-D, leaves")
    }
    while let message = input.next() {
      do {
        try conversation.answer(
          message, isInterrupted: { Interruption.signal != nil },
          note: { if !quiet { printToStandardError("note: \($0)") } }
        ) { try printNow($0) }
        try printNow("\n")
      } catch let error as ConversationError where input.isShown {
        printToStandardError("error: \(error.message)")
      }
      // A request of the system to end stays; Ctrl-C was for this answer.
      if Interruption.signal == SIGINT { Interruption.forget() }
    }
  }
}

/// There is nothing that makes a prompt of messages.
private struct NoTemplate: ExplainedError {
  let path: String
  var message: String { "\(path) is not there, and a chat needs a template" }
  var hint: String {
    "import an instruct model, which brings one along, or name one with --template"
  }
}
