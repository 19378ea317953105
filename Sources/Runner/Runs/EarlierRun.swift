import Exchange
import Foundation
import SystemFiles

/// What an earlier run made, where a new one would write: it is not to be lost by giving the same
/// command again.
public struct EarlierRun: ExplainedError, Equatable {
  /// In the order of `--save`, `--log`, `--record`.
  public var paths: [String]
  /// The file that the new run can go on from instead.
  public var checkpoint: String?

  public var message: String {
    let isOne = paths.count == 1
    return
      "\(paths.joined(separator: ", ")) \(isOne ? "is" : "are") there already, and this run would "
      + "replace \(isOne ? "it" : "them")"
  }

  public var hint: String {
    let goOn = checkpoint.map { "go on from there with --resume \(ShellWord.quoted($0)), " } ?? ""
    return goOn + "replace with --overwrite, or name other files"
  }

  /// Errors: what a run with these files would replace. A run that goes on from `resumed` may replace
  /// that file, and adds to its log and its recording.
  public static func check(_ files: TrainingFiles, resumed: String?) throws(EarlierRun) {
    var paths = checkpoints(files, resumed)
    let saved = paths.first { isTrainingState($0) }
    if let log = files.log, logIsLost(log, resumed) { paths.append(log) }
    if let record = files.record, resumed == nil, isThere(record) { paths.append(record) }
    if !paths.isEmpty {
      throw EarlierRun(paths: paths, checkpoint: resumed == nil ? saved : nil)
    }
  }

  /// Whether something is in the file that a new run would be sorry to replace: not what was saved
  /// before the first step.
  private static func isWorthKeeping(_ path: String) -> Bool {
    isThere(path) && (try? Safetensors(path: path))?.step != 0
  }

  private static func isTrainingState(_ path: String) -> Bool {
    (try? Safetensors(path: path))?.step != nil
  }

  private static func checkpoints(_ files: TrainingFiles, _ resumed: String?) -> [String] {
    let kept = [files.save, files.best, files.average].compactMap { $0 }.filter(isWorthKeeping)
    guard let resumed, let place = FilePlace(resumed) else { return kept }
    // The best state belongs to the last one.
    if files.save.flatMap(FilePlace.init) == place { return [] }
    guard files.best.flatMap(FilePlace.init) == place else { return kept }
    // Going on from the best loses what came after it, where there is such.
    let best = (try? Safetensors(path: resumed))?.step ?? 0
    return kept.filter {
      FilePlace($0) != place && ((try? Safetensors(path: $0))?.step ?? .max) > best
    }
  }

  /// Whether lines of a log would be lost. A run that was killed may have logged one evaluation after
  /// it saved, which comes again.
  private static func logIsLost(_ path: String, _ resumed: String?) -> Bool {
    guard isThere(path) else { return false }
    guard let steps = try? TrainingLog.steps(of: path) else { return true }
    guard let resumed else { return steps.contains { $0 > 0 } }
    let start = (try? Safetensors(path: resumed))?.step ?? 0
    return steps.filter { $0 > start }.count > 1
  }

  private static func isThere(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size > 0
  }
}

extension Safetensors {
  /// The training steps that a file of moec's has seen; nil if it is no such file.
  fileprivate var step: Int? {
    metadata["format"] == "moec" ? metadata["step"].flatMap { Int($0) } : nil
  }
}
