import Runner

/// An option of `moec run` that a file of settings may give too, under its own name.
struct RunOption {
  /// `learning-rate`.
  let name: String
  /// In words, for an error.
  let expected: String
  /// What the command was given; nil if nothing.
  let given: (RunCommand) -> ConfigValue?
  /// Takes a value; false if it is of another kind.
  let take: (inout RunCommand, ConfigValue) -> Bool
}

extension RunOption {
  private typealias Place<Value> = WritableKeyPath<RunCommand, Value?>

  private static func integer(_ name: String, _ place: Place<Int>) -> RunOption {
    RunOption(
      name: name, expected: "a whole number", given: { $0[keyPath: place].map(ConfigValue.integer) }
    ) {
      guard case .integer(let integer) = $1 else { return false }
      $0[keyPath: place] = integer
      return true
    }
  }

  private static func number(_ name: String, _ place: Place<Double>) -> RunOption {
    RunOption(
      name: name, expected: "a number", given: { $0[keyPath: place].map(ConfigValue.number) }
    ) {
      $0[keyPath: place] = $1.asNumber
      return $1.asNumber != nil
    }
  }

  private static func number(_ name: String, _ place: Place<Float>) -> RunOption {
    RunOption(
      name: name, expected: "a number", given: { $0[keyPath: place].map { ConfigValue.number($0) } }
    ) {
      $0[keyPath: place] = $1.asNumber.map { Float($0) }
      return $1.asNumber != nil
    }
  }

  private static func text(_ name: String, _ place: Place<String>) -> RunOption {
    RunOption(name: name, expected: "a text", given: { $0[keyPath: place].map(ConfigValue.text) }) {
      guard case .text(let text) = $1 else { return false }
      $0[keyPath: place] = text
      return true
    }
  }

  private static func flag(_ name: String, _ place: WritableKeyPath<RunCommand, Bool>) -> RunOption
  {
    RunOption(
      name: name, expected: "true or false", given: { $0[keyPath: place] ? .flag(true) : nil }
    ) {
      guard case .flag(let flag) = $1 else { return false }
      $0[keyPath: place] = flag
      return true
    }
  }

  private static var seed: RunOption {
    RunOption(
      name: "seed", expected: "a whole number, not negative",
      given: { command in
        command.seed.map { Int(exactly: $0).map(ConfigValue.integer) ?? .text("\($0)") }
      },
      take: { command, value in
        switch value {
        case .integer(let integer): command.seed = UInt64(exactly: integer)
        case .text(let text): command.seed = UInt64(text)
        case .number, .flag, .texts, .object: return false
        }
        return command.seed != nil
      })
  }

  /// One of some words.
  private static func word<Word: RawRepresentable<String>>(
    _ name: String, _ expected: String, _ place: Place<Word>
  ) -> RunOption {
    RunOption(
      name: name, expected: expected, given: { $0[keyPath: place].map { .text($0.rawValue) } }
    ) {
      guard case .text(let text) = $1 else { return false }
      $0[keyPath: place] = Word(rawValue: text)
      return $0[keyPath: place] != nil
    }
  }

  private static var stop: RunOption {
    RunOption(
      name: "stop", expected: "a text or a list of texts",
      given: { $0.generation.stops.isEmpty ? nil : .texts($0.generation.stops) },
      take: { command, value in
        switch value {
        case .text(let text): command.generation.stops = [text]
        case .texts(let texts): command.generation.stops = texts
        case .integer, .number, .flag, .object: return false
        }
        return true
      })
  }

  /// All that a file may say; where results go is the command's to say.
  static var all: [RunOption] {
    [
      text("data", \.data), text("tokenizer", \.tokenizer), text("weights", \.weights),
      flag("allow-missing", \.allowMissing), seed, integer("threads", \.threads),
      integer("ranks", \.ranks),
      flag("quiet", \.quiet), integer("eval-batches", \.evalBatches),
    ] + conversations + training + generation
  }

  private static var conversations: [RunOption] {
    [
      text("validation", \.conversations.validation), text("template", \.conversations.template),
      word("learn", "answers or all", \.conversations.learn),
      word("too-long", "truncate or refuse", \.conversations.tooLong),
    ]
  }

  private static var training: [RunOption] {
    [
      integer("steps", \.training.steps), integer("epochs", \.training.epochs),
      number("learning-rate", \.training.learningRate),
      word("schedule", "constant, cosine, linear or wsd", \.training.schedule),
      integer("warmup", \.training.warmup),
      number("final-learning-rate", \.training.finalLearningRate),
      integer("decay-steps", \.training.decaySteps),
      word("decay-form", "1-sqrt or linear", \.training.decayForm),
      number("weight-decay", \.training.weightDecay), number("clip", \.training.clip),
      integer("accumulate", \.training.accumulate),
      number("ema", \.training.ema),
      text("no-decay", \.training.noDecay), integer("eval-interval", \.training.evalInterval),
      integer("patience", \.training.patience), text("replay", \.training.replay),
      text("mlflow", \.tracking.mlflow), text("mlflow-experiment", \.tracking.mlflowExperiment),
      text("mlflow-run-name", \.tracking.mlflowRunName),
      text("tensorboard", \.tracking.tensorboard),
    ]
  }

  private static var generation: [RunOption] {
    [
      text("prompt", \.generation.prompt), integer("tokens", \.generation.tokens),
      number("temperature", \.generation.temperature), integer("top-k", \.generation.topK),
      number("top-p", \.generation.topP), integer("repeat", \.generation.repeats), stop,
      word("when-full", "window, half or stop", \.generation.whenFull),
    ]
  }
}
