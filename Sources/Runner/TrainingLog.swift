import Foundation
import ModelRuntime

/// JSON lines, one for each evaluation:
/// `{"step":100,"train_loss":2.7351,"val_loss":2.7429,"seconds":12.5,"tokens":51200,`
/// `"learning_rate":0.001}`, with a tokenizer also `"train_bits_per_character"` and
/// `"val_bits_per_character"`. Where steps clip the gradients or add up those of several batches,
/// `"gradient_norm"` is the mean of their L2 norms, before clipping, since the evaluation before. Of a
/// model that routes they tell what experts were given in these steps, if there were any:
/// `"balance":1.62,"dead_experts":0,"dropped_share":0.031,"expert_load":[[0.25,…],…]`, which are
/// shares of choices by router and expert.
public final class TrainingLog {
  private let path: String
  private let handle: FileHandle
  /// Seconds that earlier runs took, whose lines were kept.
  private let secondsBefore: Double

  /// Opens the file: emptied for a new run (`last` is nil). A resumed one keeps the lines through
  /// step `last` and adds to them, so that what a killed run wrote after it saved is not there
  /// twice. Errors: not to be written.
  public init(path: String, keepingThrough last: Int?) throws(FileError) {
    let kept = last.map { TrainingLog.kept(of: path, through: $0) }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (kept == nil ? O_TRUNC : 0), 0o644)
    guard descriptor >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
    if let kept {
      // Devices and pipes cannot be cut or placed; there is nothing to keep in them either.
      _ = ftruncate(descriptor, off_t(kept.bytes))
      _ = lseek(descriptor, 0, SEEK_END)
    }
    self.path = path
    secondsBefore = kept?.seconds ?? 0
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Adds a line. `tokens` is how many the model was trained on so far, and `learningRate` that of
  /// the step that follows.
  public func write(
    _ evaluation: Evaluation, _ balance: ExpertBalance? = nil, seconds: Double, tokens: Int,
    learningRate: Float? = nil, gradientNorm: Double? = nil
  ) throws(FileError) {
    let line =
      TrainingLog.line(
        evaluation, balance, seconds: secondsBefore + seconds, tokens: tokens,
        learningRate: learningRate, gradientNorm: gradientNorm) + "\n"
    do {
      try handle.write(contentsOf: Data(line.utf8))
    } catch {
      throw FileError(operation: "write", path: path, error)
    }
  }

  /// One line, its losses with all their digits.
  static func line(
    _ evaluation: Evaluation, _ balance: ExpertBalance? = nil, seconds: Double, tokens: Int,
    learningRate: Float? = nil, gradientNorm: Double? = nil
  ) -> String {
    let time = String(format: "%.3f", seconds)
    let bits = evaluation.bitsPerCharacter.map {
      "\"train_bits_per_character\":\($0.train),\"val_bits_per_character\":\($0.validation),"
    }
    return "{\"step\":\(evaluation.step),\"train_loss\":\(evaluation.trainLoss),"
      + "\"val_loss\":\(evaluation.validationLoss),\(bits ?? "")"
      + "\"seconds\":\(time),\"tokens\":\(tokens)"
      + (learningRate.map { ",\"learning_rate\":\($0)" } ?? "")
      + (gradientNorm.map { ",\"gradient_norm\":\(String(format: "%.6g", $0))" } ?? "")
      + "\(balance.map(experts) ?? "")}"
  }

  /// Shares with six digits, which is finer than any interval counts.
  private static func experts(_ balance: ExpertBalance) -> String {
    let loads = balance.shares.map { shares in
      "[\(shares.map { String(format: "%.6g", $0) }.joined(separator: ","))]"
    }
    return ",\"balance\":\(balance.balance),\"dead_experts\":\(balance.deadExperts),"
      + "\"dropped_share\":\(balance.droppedShare),"
      + "\"expert_load\":[\(loads.joined(separator: ","))]"
  }

  private struct Line: Decodable {
    var step: Int
    var seconds: Double
  }

  /// Whole lines from the start on whose step is not beyond `last`: their bytes, and the seconds
  /// of the newest of them.
  private static func kept(of path: String, through last: Int) -> (bytes: Int, seconds: Double) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      let data = FileManager.default.contents(atPath: path)
    else { return (0, 0) }
    var kept = (bytes: 0, seconds: 0.0)
    while let end = data[kept.bytes...].firstIndex(of: UInt8(ascii: "\n")),
      let line = try? JSONDecoder().decode(Line.self, from: data[kept.bytes..<end]),
      line.step <= last
    {
      kept = (end + 1, line.seconds)
    }
    return kept
  }
}
