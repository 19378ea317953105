import ArgumentParser
import Runner

extension LearningRateSchedule.Form: ExpressibleByArgument {}
extension LearningRateSchedule.DecayForm: ExpressibleByArgument {}
extension GenerationSettings.WhenFull: ExpressibleByArgument {}
extension ConversationOptions.Learn: ExpressibleByArgument {}
extension ConversationOptions.TooLong: ExpressibleByArgument {}

extension RunCommand {
  struct ConversationArguments: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Conversations to validate on. (default: the last 10 % of --data)", valueName: "file"),
      completion: .file(extensions: ["jsonl"]))
    var validation: String?

    @Option(
      help: ArgumentHelp(
        "What is learned: answers, with the token that ends each, or all. (default: answers)",
        valueName: "what"))
    var learn: ConversationOptions.Learn?

    @Option(
      help: ArgumentHelp(
        "The chat template. (default: chat_template.jinja beside the weights)", valueName: "file"),
      completion: .file())
    var template: String?

    @Option(
      help: ArgumentHelp(
        "Conversations longer than the context: truncate or refuse. (default: truncate)",
        valueName: "way"))
    var tooLong: ConversationOptions.TooLong?

    var options: ConversationOptions {
      var options = ConversationOptions()
      (options.learn, options.tooLong) = (learn, tooLong)
      (options.template, options.validation) = (template, validation)
      return options
    }
  }

  struct TrainingOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Training steps in all. (default: 5000)")
    var steps: Int?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Instead of --steps: how often all of the data is seen; of a text, as many tokens as it has.",
        valueName: "n"))
    var epochs: Int?

    @Option(parsing: .unconditional, help: "The optimizer's learning rate. (default: the model's)")
    var learningRate: Float?

    @Option(help: "How it changes: constant, cosine, linear, wsd. (default: constant)")
    var schedule: LearningRateSchedule.Form?

    @Option(parsing: .unconditional, help: "Steps in which it rises to its value. (default: 0)")
    var warmup: Int?

    @Option(
      parsing: .unconditional,
      help: "Where cosine, linear and wsd end, after all steps. (default: 0)")
    var finalLearningRate: Float?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("AdamW's weight decay. (default: the model's)", valueName: "share"))
    var weightDecay: Float?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "With wsd: steps at the end in which it falls. (default: a fifth of all)", valueName: "n"))
    var decaySteps: Int?

    @Option(
      help: ArgumentHelp(
        "With wsd: how it falls, 1-sqrt or linear. (default: 1-sqrt)", valueName: "form"))
    var decayForm: LearningRateSchedule.DecayForm?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Scale gradients down to this norm, all together; the log has the norm before. 0: do not.",
        valueName: "norm"))
    var clip: Float?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Batches whose mean gradient makes a step; ranks share them. (default: 1)",
        valueName: "n"))
    var accumulate: Int?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Average the weights, keeping this share in each step, as 0.999; evaluated and saved. 0: do not.",
        valueName: "share"))
    var ema: Float?

    @Option(
      help: ArgumentHelp(
        "No weight decay on these: norms, biases, embeddings or names with *.",
        valueName: "groups"),
      completion: .list(["norms", "biases", "embeddings"]))
    var noDecay: String?

    @Option(parsing: .unconditional, help: "Steps between evaluations. (default: 100)")
    var evalInterval: Int?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Stop after n evaluations in a row without a lower val loss.", valueName: "n"))
    var patience: Int?

    @Option(
      help: ArgumentHelp(
        """
        The run's folder for weights, log, settings and curve, below runs or with a path. \
        (default: a new one called like the library)
        """, valueName: "name"))
    var run: String?

    @Flag(help: "Keep nothing: no folder for the run.")
    var noSave = false

    @Option(
      help: ArgumentHelp(
        """
        Save here, and not in a run's folder, at each evaluation and at the end; the best is \
        beside it, w.best.safetensors of w.safetensors, and with --ema w.ema.safetensors.
        """, valueName: "file"), completion: .weights)
    var save: String?

    @Option(
      help: ArgumentHelp("Go on from a file that --save wrote, as it was.", valueName: "file"),
      completion: .weights)
    var resume: String?

    @Flag(help: "With --resume: go on with another text.")
    var allowOtherData = false

    @Flag(help: "Replace what an earlier run saved, logged and recorded there, or --output.")
    var overwrite = false

    @Option(
      help: ArgumentHelp(
        "Write the losses here, as JSON lines, and the settings beside it.", valueName: "file"),
      completion: .file(extensions: ["jsonl"]))
    var log: String?

    @Flag(
      help: """
        End the output with the lowest validation loss, as val_loss=1.5234, or with --choices \
        acc_norm=0.4125, for other programs.
        """)
    var resultLine = false

    @Option(
      help: ArgumentHelp("Record which experts tokens go to in training.", valueName: "file"))
    var record: String?

    @Option(
      help: ArgumentHelp(
        "Send tokens to the experts of a recorded run, step by step.", valueName: "file"))
    var replay: String?
  }

  struct RouteOptions: ParsableArguments {
    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Show which experts each token of a text goes to.", valueName: "text"))
    var route: String?

    @Option(help: ArgumentHelp("With --route: as a page for a browser.", valueName: "file"))
    var html: String?
  }

  struct TrackingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Log to an MLflow server: http://localhost:5000.", valueName: "uri"))
    var mlflow: String?

    @Option(help: ArgumentHelp("The MLflow experiment. (default: moec)", valueName: "name"))
    var mlflowExperiment: String?

    @Option(help: ArgumentHelp("The MLflow run's name. (default: the model's)", valueName: "name"))
    var mlflowRunName: String?

    @Option(
      help: ArgumentHelp("The MLflow run's id that this is a child of.", valueName: "id"))
    var mlflowParent: String?

    @Option(
      help: ArgumentHelp("Write TensorBoard event files there.", valueName: "folder"),
      completion: .directory)
    var tensorboard: String?
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

    @Option(
      parsing: .unconditional,
      help: "Draw from the likeliest tokens only that have this probability together.")
    var topP: Double?

    @Option(
      name: .customLong("repeat"), parsing: .unconditional,
      help: ArgumentHelp("Write n texts, each with the next seed. (default: 1)", valueName: "n"))
    var repeats: Int?

    @Option(
      name: .customLong("stop"), parsing: .unconditionalSingleValue,
      help: ArgumentHelp("End a text before this appears; may be given again.", valueName: "text"))
    var stops: [String] = []

    @Option(
      help: ArgumentHelp(
        """
        When the context is full: window, see the last tokens, a whole pass for each; half, read the \
        newer half again and go on; stop. (default: window)
        """, valueName: "way"))
    var whenFull: GenerationSettings.WhenFull?

    @Flag(help: "Read prompts from standard input, a line each.")
    var interactive = false
  }
}
