import Exchange
import ModelRuntime

/// Records what routers choose in the passes of a training run, and makes them choose what was
/// recorded.
public final class RouteTape {
  /// Nil when nothing is recorded, or nothing more because it cannot be written.
  private var recorder: RouteRecorder?
  private let player: RouteReader?
  private let tokens: Int
  private let warning: (String) -> Void

  /// Opens the files that are given. With `goesOn` a recording that is there is added to. Errors: one
  /// that cannot be written or replayed, a model that routes nothing, a library that lacks what this
  /// needs. `warning` is told if recording fails later.
  init?(
    record: String?, replay: String?, model: Model, passes: Int, steps: Range<Int>,
    goesOn: Bool = false, warning: @escaping (String) -> Void = { _ in }
  ) throws {
    if record == nil, replay == nil { return nil }
    let header = try RouteHeader(
      of: model.manifest, passes: passes, firstStep: steps.lowerBound)
    if replay != nil, !model.has(.replay) { throw ModelError.lacks(.replay) }
    if record != nil, !model.has(.routes) { throw ModelError.lacks(.routes) }
    tokens = model.manifest.batch * model.manifest.context
    self.warning = warning
    player = try replay.map { path throws(RouteFileError) in try RouteReader(path: path) }
    try player?.check(header, steps: steps)
    recorder = try record.map { path throws(RouteFileError) in
      try RouteRecorder(path: path, header, goesOn: goesOn)
    }
  }

  /// Before a training pass: what is replayed is given to the model.
  func begin(_ model: Model, step: Int, pass: Int) throws {
    guard let player else { return }
    try model.replay(try player.experts(step: step, pass: pass), tokens: tokens)
  }

  /// After a training pass: what it chose is recorded.
  func end(_ model: Model) throws {
    guard let recorder else { return }
    let experts = try model.chosenExperts(tokens: tokens)
    attempt { () throws(RouteFileError) in try recorder.append(experts) }
  }

  /// Makes what was recorded so far appear under its name.
  func commit() {
    guard let recorder else { return }
    attempt { () throws(RouteFileError) in try recorder.commit() }
  }

  private func attempt(_ work: () throws(RouteFileError) -> Void) {
    do throws(RouteFileError) {
      try work()
    } catch {
      warning("\(error.message); training goes on, and its routes are no longer recorded")
      recorder = nil
    }
  }
}
