import SystemFiles

/// How a model is trained.
public struct TrainingSettings: Equatable, Sendable, Codable {
  /// Steps in all, those before a resumed run's start included.
  public var steps = 5000
  /// Evaluated before each step that this divides, and before the last.
  public var evaluationInterval = 100
  /// Batches for each part of the corpus at each evaluation.
  public var evaluationBatches = 400
  /// The optimizer's learning rate, the peak of its schedule; nil takes the model's own.
  public var learningRate: Float?
  public var schedule = LearningRateSchedule()
  /// How much of each decayed parameter AdamW takes away, times the learning rate; nil takes the model's own.
  public var weightDecay: Float?
  /// Training ends after so many evaluations in a row without a lower validation loss; nil: never.
  public var patience: Int?
  /// Gradients are scaled down to this global L2 norm; nil leaves them alone.
  public var clip: Float?
  /// Batches whose mean gradient makes one step.
  public var accumulation = 1
  /// What the average of the weights keeps in a step, w_ema = d w_ema + (1 - d) w; nil: there is none.
  public var ema: Float?
  /// What weight decay leaves alone, in the words of `ParameterGroup.init`.
  public var noDecay: [String] = []

  public init() {}

  /// Whether steps are made by `moec_accumulate` and `moec_update` instead of `moec_train_step`.
  var isSplit: Bool { clip != nil || accumulation > 1 }

  /// What an evaluation passes its batches through: both parts of the text, and the one to validate on
  /// with the averaged weights too.
  var evaluatedParts: Int { ema == nil ? 2 : 3 }
}

/// What a training loop tells as it goes.
public enum TrainingEvent: Sendable {
  /// One batch of the evaluation before step `step` is done.
  case evaluationBatch(step: Int)
  /// The model was evaluated; it is in the state before step `Evaluation.step`.
  case evaluated(Evaluation)
  /// A step is done.
  case stepped(step: Int, TrainingStep)
}

/// What a training step found before it changed the parameters.
public struct TrainingStep: Equatable, Sendable {
  /// In training mode; the mean of its batches.
  public var loss: Float
  /// The L2 norm of all gradients before clipping, where the step was made in two: to be clipped, or
  /// of several batches. Otherwise nobody adds it up.
  public var gradientNorm: Float?
  /// The terms of the objective, in the manifest's order; the means of its batches.
  public var terms: [Float] = []
}

/// Why training cannot start or go on.
public enum TrainingError: ExplainedError, Equatable {
  /// The loss or the gradient is infinite or no number; `place` is the first layer or parameter
  /// in which it appeared, if that is known.
  case diverged(step: Int, place: String? = nil)
  /// A resumed run has already done what is asked for.
  case nothingLeft(step: Int, steps: Int)
  /// Ranks cannot have equally many batches of an update.
  case unevenBatches(Int, ranks: Int)
  /// Routes cannot be recorded or replayed by several ranks.
  case routesOfRanks
  /// A resumed run was trained on another text.
  case otherText(path: String, old: String)
  /// Conversations that a resumed run read in another way, or that were changed.
  case otherReading(path: String, reason: String)
  /// Conversations are dealt out to the batches of steps, of which a resumed run had others.
  case otherAccumulation(Int, was: Int)
  /// The library gives logits and nothing else.
  case onlyInfers(library: String)
  /// The state at a step could not be written; `last` is what was saved before, if anything was.
  case notSaved(step: Int, FileError, last: SavedState?)

  /// A file that holds the whole state at a step.
  public struct SavedState: Equatable, Sendable {
    public var path: String
    public var step: Int
  }

  public var message: String {
    switch self {
    case .diverged(let step, let place):
      return "training diverged: the loss at step \(step) is not a finite number"
        + (place.map { ", and \($0) is the first where it went wrong" } ?? "")
    case .nothingLeft(let step, let steps):
      return "nothing is left to train: the file is at step \(step), and --steps is \(steps)"
    case .unevenBatches(let batches, let ranks):
      return
        "the \(batches == 1 ? "one batch" : "\(batches.grouped) batches") of a step cannot be shared out among "
        + "\(ranks.grouped) ranks"
    case .routesOfRanks:
      return "several ranks neither record routes nor replay them"
    case .otherText(let path, let old):
      return "\(path) is not the text that this run was trained on, \(old), or it was changed"
    case .otherReading(let path, let reason):
      return "\(path) is not read as this run read it: \(reason)"
    case .otherAccumulation(let batches, let old):
      let steps = old == 1 ? "1 batch" : "\(old.grouped) batches"
      return
        "this run dealt out its conversations to steps of \(steps), and --accumulate is \(batches.grouped)"
    case .onlyInfers(let library):
      return "\(library) was compiled with --inference: it has no loss, and learns nothing"
    case .notSaved(let step, let error, _):
      return "training ended, as step \(step.grouped) cannot be saved: \(error.message)"
    }
  }

  public var hint: String {
    switch self {
    case .diverged: return "use a lower learning rate or --clip 1; weights saved before are kept"
    case .nothingLeft: return "ask for more in all, with --steps or --epochs"
    case .unevenBatches(let batches, let ranks):
      let next = (batches + ranks - 1) / ranks * ranks
      return "add --accumulate \(next): its batches are shared out, so many for each rank"
    case .routesOfRanks: return "record or replay them with one process"
    case .onlyInfers: return "compile the model again without --inference"
    case .otherText:
      return "name the old text with --data, or go on with this one by --allow-other-data"
    case .otherReading:
      return "leave out what is another, or begin with this data by --allow-other-data"
    case .otherAccumulation(_, let old):
      return
        "go on with --accumulate \(old.grouped), or begin anew from the weights, with --weights FILE"
    case .notSaved(_, let error, let last):
      guard let last else { return error.hint }
      return "\(error.hint); then go on from step \(last.step.grouped) with "
        + "--resume \(ShellWord.quoted(last.path))"
    }
  }
}
