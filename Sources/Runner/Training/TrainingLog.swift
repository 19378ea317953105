import Foundation
import JSON
import SystemFiles

/// JSON lines, one for each evaluation:
/// `{"step":100,"train_loss":2.7351,"val_loss":2.7429,"seconds":12.5,"tokens":51200,`
/// `"learning_rate":0.001}`, with a tokenizer also `"train_bits_per_character"` and
/// `"val_bits_per_character"`, and where the run averages its weights their `"ema_val_loss"`. Where steps clip the gradients or add up those of several batches,
/// `"gradient_norm"` is the mean of their L2 norms, before clipping, since the evaluation before. Where
/// there is more to the objective than the loss, `"terms":{"block.0.balance":1.02,…}` are the means of
/// its terms in these steps. Of a
/// model that routes they tell what experts were given in these steps, if there were any:
/// `"balance":1.62,"dead_experts":0,"dropped_share":0.031,"expert_load":[[0.25,…],…]`, which are
/// shares of choices by router and expert.
public final class TrainingLog {
  private let path: String
  private var descriptor: Int32
  /// Seconds that earlier runs took, whose lines were kept.
  private let secondsBefore: Double
  /// The step of the newest line that was kept; nil if there was no file to keep lines of, -1 if none
  /// was in it.
  let lastKept: Int?
  /// Lines that the disk had no room for, to be written with the next.
  private var pending: [UInt8] = []

  /// Opens the file: emptied for a new run (`last` is nil). A resumed one keeps the lines through
  /// step `last` and adds to them, so that what a killed run wrote after it saved is not there
  /// twice. Errors: not to be written.
  public init(path: String, keepingThrough last: Int?) throws(FileError) {
    let isThere = Foundation.access(path, F_OK) == 0
    let kept = last.map { TrainingLog.kept(of: path, through: $0) }
    // Its own lines are read again where somebody removes it; a pipe or a device is not read.
    let access = TrainingLog.isFileOrNothing(path) ? O_RDWR : O_WRONLY
    descriptor = open(path, access | O_CREAT | O_CLOEXEC | (kept == nil ? O_TRUNC : 0), 0o666)
    guard descriptor >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
    if let kept {
      // Devices and pipes cannot be cut or placed; there is nothing to keep in them either.
      _ = ftruncate(descriptor, off_t(kept.bytes))
      _ = lseek(descriptor, 0, SEEK_END)
    }
    self.path = path
    secondsBefore = kept?.seconds ?? 0
    lastKept = isThere ? kept?.step : nil
  }

  deinit { close(descriptor) }

  /// Adds a line. `tokens` is how many the model was trained on so far, and `learningRate` that of
  /// the step that follows. Errors: not to be written; it then comes before the next line.
  func write(
    _ evaluation: Evaluation, _ balance: ExpertBalance? = nil, terms: [TermMean]? = nil,
    seconds: Double, tokens: Int, learningRate: Float? = nil, gradientNorm: Double? = nil
  ) throws(FileError) {
    let line = TrainingLog.line(
      evaluation, balance, terms: terms, seconds: secondsBefore + seconds, tokens: tokens,
      learningRate: learningRate, gradientNorm: gradientNorm)
    pending += Array((line + "\n").utf8)
    try replaceIfRemoved()
    try writePending()
  }

  private var wasRemoved = false

  /// Whether the file was removed since this was asked last, and made anew with all of its lines.
  func takeRemoval() -> Bool {
    defer { wasRemoved = false }
    return wasRemoved
  }

  /// A log that somebody removed while it was written is made anew. One that was renamed goes on under
  /// its new name.
  private func replaceIfRemoved() throws(FileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_nlink == 0, access(path, F_OK) != 0
    else { return }
    var lines = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = lines.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    _ = NewFolder.make(above: path)
    let fresh = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard fresh >= 0 else { throw .init(operation: "write", path: path, code: errno) }
    close(descriptor)
    descriptor = fresh
    pending = Array(lines.prefix(max(0, count))) + pending
    wasRemoved = true
  }

  private static func isFileOrNothing(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether lines are missing that could not be written.
  var isIncomplete: Bool { !pending.isEmpty }

  /// All lines that wait, or none: half a line would spoil the next.
  private func writePending() throws(FileError) {
    let end = lseek(descriptor, 0, SEEK_END)
    var done = 0
    while done < pending.count {
      let count = pending.withUnsafeBytes { raw in
        Foundation.write(descriptor, raw.baseAddress.map { $0 + done }, raw.count - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = count < 0 ? errno : ENOSPC
        // What has no end cannot take anything back.
        if end < 0 { pending.removeFirst(done) } else { cut(to: end) }
        throw FileError(operation: "write", path: path, code: code)
      }
      done += count
    }
    pending = []
  }

  private func cut(to end: off_t) {
    ftruncate(descriptor, end)
    lseek(descriptor, end, SEEK_SET)
  }

  /// One line, its losses with all their digits.
  static func line(
    _ evaluation: Evaluation, _ balance: ExpertBalance? = nil, terms: [TermMean]? = nil,
    seconds: Double, tokens: Int, learningRate: Float? = nil, gradientNorm: Double? = nil
  ) -> String {
    let bits = evaluation.bitsPerCharacter
    return JSON.members([
      "step": .count(evaluation.step),
      "train_loss": .numeral("\(evaluation.trainLoss)"),
      "val_loss": .numeral("\(evaluation.validationLoss)"),
      "ema_val_loss": evaluation.averageLoss.map { .numeral("\($0)") },
      "train_bits_per_character": bits.map { .numeral("\($0.train)") },
      "val_bits_per_character": bits.map { .numeral("\($0.validation)") },
      "seconds": .numeral(String(format: "%.3f", seconds)), "tokens": .count(tokens),
      "learning_rate": learningRate.map { .numeral("\($0)") },
      "gradient_norm": gradientNorm.map { .numeral(String(format: "%.6g", $0)) },
      "terms": terms.map { terms in
        .object(terms.map { .init(key: Array($0.name.utf8), value: .numeral("\($0.mean)")) })
      },
      "balance": balance.map { .numeral("\($0.balance)") },
      "dead_experts": balance.map { .count($0.deadExperts) },
      "dropped_share": balance.map { .numeral("\($0.droppedShare)") },
      "expert_load": balance.map { .array($0.shares.map(loads)) },
    ]).line
  }

  /// Shares with six digits, which is finer than any interval counts.
  private static func loads(_ shares: [Double]) -> JSON {
    .array(shares.map { .numeral(String(format: "%.6g", $0)) })
  }

  private struct Line: Decodable {
    var step: Int
    var seconds: Double
  }

  /// Whole lines from the start on whose step is not beyond `last`: their bytes, and the seconds and
  /// the step of the newest of them.
  private static func kept(
    of path: String, through last: Int
  ) -> (bytes: Int, seconds: Double, step: Int) {
    var kept = (bytes: 0, seconds: 0.0, step: -1)
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      let data = FileManager.default.contents(atPath: path)
    else { return kept }
    while let end = data[kept.bytes...].firstIndex(of: UInt8(ascii: "\n")),
      MarkRuns.excessive(in: data[kept.bytes..<end]) == nil,
      let line = try? JSONDecoder().decode(Line.self, from: data[kept.bytes..<end]),
      line.step <= last
    {
      kept = (end + 1, line.seconds, line.step)
    }
    return kept
  }

  /// The steps of a log's lines; half a line at the end is left out. Errors: it is no log.
  static func steps(of path: String) throws -> [Int] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let decoder = JSONDecoder()
    let steps = try lines.dropLast().map { try decoder.decode(Line.self, from: $0).step }
    if steps.isEmpty { throw CocoaError(.fileReadCorruptFile) }
    return steps
  }
}
