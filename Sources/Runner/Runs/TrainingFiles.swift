import SystemFiles
import Tracking

/// Files that a training run writes.
public struct TrainingFiles: Equatable, Sendable {
  /// Weights and all that training needs to go on: at each evaluation, when it is interrupted and
  /// at the end. Beside it is the state with the lowest validation loss, see `best`.
  public var save: String?
  /// JSON lines.
  public var log: String?
  /// What the routers choose in training is written there, whole up to the newest evaluation.
  public var record: String?
  /// The routers choose in training what was recorded there.
  public var replay: String?
  /// Whether a resumed run begins its recording anew instead of adding to what is there.
  public var overwrites = false

  /// Whether averaged weights are saved too.
  public var averages = false

  public init() {}

  /// `weights.best.safetensors` beside `weights.safetensors`.
  public var best: String? { beside("best") }

  /// `weights.ema.safetensors`, the averaged weights of the newest state; nil if there are none.
  public var average: String? { averages ? beside("ema") : nil }

  /// Errors: one of the files cannot be written.
  func check() throws(FileError) {
    for path in [save, best, average] { if let path { try AtomicFile.check(path) } }
  }

  private func beside(_ word: String) -> String? {
    guard let save else { return nil }
    // Foundation's paths trap on a name of one letter, so the text is cut here.
    let start = save.lastIndex(of: "/").map(save.index(after:)) ?? save.startIndex
    guard let dot = save[start...].lastIndex(of: "."), dot > start else { return "\(save).\(word)" }
    return "\(save[..<dot]).\(word)\(save[dot...])"
  }
}

/// Who looks on while a model is trained.
public struct TrainingListeners {
  /// Told that all is well and the run begins, and again where its folder was removed meanwhile: what
  /// goes beside its files is written then.
  public var begins: () -> Void = {}
  /// Gets a line at each evaluation: `step 100: train loss 2.7351, val loss 2.7429`, where the objective
  /// has terms `; terms: balance 1.0213`, and of a model that routes `; experts: balance 1.62, 0 dead`.
  public var output: (String) throws -> Void = { _ in }
  /// Gets at the end what evaluations have shown, those of the run that this goes on included.
  public var progressed: (TrainingProgress) -> Void = { _ in }
  /// Gets what is said once: of experts that are dead or overloaded.
  public var notice: (String) -> Void = { _ in }
  /// Gets what went wrong beside training, which goes on.
  public var warning: (String) -> Void = { _ in }
  /// Asked after each batch: whether to save and stop.
  public var isInterrupted: () -> Bool = { false }
  public var trackers: [any Tracker] = []
  /// Whether a line on the terminal shows how far it is.
  public var showsProgress = true

  public init() {}
}
