import Foundation
import ModelRuntime

/// JSON lines, one for each evaluation:
/// `{"step":100,"train_loss":2.7351,"val_loss":2.7429,"seconds":12.5,"tokens":51200}`,
/// and with a tokenizer also `"train_bits_per_character"` and `"val_bits_per_character"`.
public final class TrainingLog {
  private let path: String
  private let handle: FileHandle

  /// Opens the file: emptied for a new run, added to by a resumed one. Errors: not to be written.
  public init(path: String, isResumed: Bool) throws(FileError) {
    let disposition = isResumed ? O_APPEND : O_TRUNC
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | disposition, 0o644)
    guard descriptor >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
    self.path = path
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Adds a line. `tokens` is how many the model was trained on so far.
  public func write(_ evaluation: Evaluation, seconds: Double, tokens: Int) throws(FileError) {
    let line = TrainingLog.line(evaluation, seconds: seconds, tokens: tokens) + "\n"
    do {
      try handle.write(contentsOf: Data(line.utf8))
    } catch {
      throw FileError(operation: "write", path: path, error)
    }
  }

  /// One line, its losses with all their digits.
  static func line(_ evaluation: Evaluation, seconds: Double, tokens: Int) -> String {
    let time = String(format: "%.3f", seconds)
    let bits = evaluation.bitsPerCharacter.map {
      "\"train_bits_per_character\":\($0.train),\"val_bits_per_character\":\($0.validation),"
    }
    return "{\"step\":\(evaluation.step),\"train_loss\":\(evaluation.trainLoss),"
      + "\"val_loss\":\(evaluation.validationLoss),\(bits ?? "")"
      + "\"seconds\":\(time),\"tokens\":\(tokens)}"
  }
}
