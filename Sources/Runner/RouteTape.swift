import ModelRuntime

/// Records what routers choose in the passes of a training run, and makes them choose what was
/// recorded.
public final class RouteTape {
  private let recorder: RouteRecorder?
  private let player: RouteReader?
  private let tokens: Int

  /// Opens the files that are given. Errors: one that cannot be written or replayed, a model that
  /// routes nothing, a library that lacks what this needs.
  init?(
    record: String?, replay: String?, model: Model, passes: Int, steps: Range<Int>
  ) throws {
    if record == nil, replay == nil { return nil }
    let header = try RouteHeader(
      of: model.manifest, passes: passes, firstStep: steps.lowerBound)
    if replay != nil, !model.has(.replay) { throw ModelError.lacks(.replay) }
    if record != nil, !model.has(.routes) { throw ModelError.lacks(.routes) }
    tokens = model.manifest.batch * model.manifest.context
    player = try replay.map { path throws(RouteFileError) in try RouteReader(path: path) }
    try player?.check(header, steps: steps)
    recorder = try record.map { path throws(RouteFileError) in
      try RouteRecorder(path: path, header)
    }
  }

  /// Before a training pass: what is replayed is given to the model.
  func begin(_ model: Model, step: Int, pass: Int) throws {
    guard let player else { return }
    try model.replay(try player.experts(step: step, pass: pass), tokens: tokens)
  }

  /// After a training pass: what it chose is recorded.
  func end(_ model: Model) throws {
    try recorder?.append(try model.chosenExperts(tokens: tokens))
  }

  /// Makes the recording appear under its name.
  func commit() throws { try recorder?.commit() }
}
