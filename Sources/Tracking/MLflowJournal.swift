import Foundation
import SystemFiles

/// What is to be sent to an MLflow server, on disk: a line of JSON for each entry, in order.
///
/// Training only appends. The sender reads from the start, notes how many entries the server has,
/// and removes the file when it has all of them; a file that is left can be sent later.
final class MLflowJournal: @unchecked Sendable {
  let path: String
  /// The files that belong to it.
  let files: JournalFiles
  private let condition = NSCondition()
  private let descriptor: Int32
  private var size = 0
  private var isClosed = false

  /// One thing to be sent.
  enum Entry: Codable, Equatable {
    case begin(MLflowRun)
    case batch(MLflowBatch)
    /// A file of `JournalFiles`, by its name there.
    case file(path: String, name: String)
    /// A file whose content is here.
    case content(Data, name: String)
    case end(TrackingStatus, time: Int64)
    /// The server has the run, and so many entries of this file.
    case sent(count: Int, run: String)
  }

  /// Makes a new file. Errors: the folder cannot be made or written.
  init(folder: String, prefix: String = "") throws(MLflowError) {
    let name = "\(prefix)\(UUID().uuidString).jsonl"
    path = (folder as NSString).appendingPathComponent(name)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      // Why, the file's own error says.
    }
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw MLflowError.journal(path: path, code: errno) }
    files = JournalFiles(journal: path)
  }

  /// Opens one that was left. Errors: it is not there.
  init(leftAt path: String) throws {
    self.path = path
    files = JournalFiles(journal: path)
    descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw MLflowError.journal(path: path, code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw MLflowError.notAJournal(path: path)
    }
    size = Int(status.st_size)
    isClosed = true
  }

  deinit { Foundation.close(descriptor) }

  /// Adds an entry; what the disk cannot take is lost to the tracker and to nobody else, and false.
  @discardableResult
  func append(_ entry: Entry) -> Bool {
    guard var line = try? JSONEncoder.journal.encode(entry) else { return false }
    line.append(UInt8(ascii: "\n"))
    condition.lock()
    defer { condition.unlock() }
    let count = line.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    if count == line.count {
      size += count
    } else if count > 0 {
      ftruncate(descriptor, off_t(size))
    }
    condition.signal()
    return count == line.count
  }

  /// Nothing more will be appended.
  func close() {
    condition.withLock {
      isClosed = true
      condition.signal()
    }
  }

  /// Entries from byte `offset` on, after waiting for some, and the byte after them; none at the
  /// end of a closed journal. A line that cannot be read is passed over.
  func entries(from offset: Int) -> (entries: [Entry], end: Int) {
    condition.lock()
    while size == offset, !isClosed { condition.wait() }
    let end = size
    condition.unlock()
    var data = Data(count: end - offset)
    let count = data.withUnsafeMutableBytes {
      pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
    }
    let lines = data.prefix(max(0, count)).split(separator: UInt8(ascii: "\n"))
    let decoder = JSONDecoder.journal
    let entries = lines.compactMap { line in
      MarkRuns.excessive(in: line) == nil ? try? decoder.decode(Entry.self, from: line) : nil
    }
    return (entries, end)
  }

  func remove() {
    unlink(path)
    files.removeFolder()
  }
}

/// An experiment's run, as it is created.
struct MLflowRun: Codable, Equatable {
  var server: String
  var experiment: String
  var name: String
  /// Milliseconds since 1970.
  var time: Int64
  var tags: [String: String]
  /// The value of its tag `moec_run`, by which it is found again.
  var identifier: String
}

/// Metrics and parameters that can be sent at once.
struct MLflowBatch: Codable, Equatable {
  struct Metric: Codable, Equatable {
    var key: String
    var value: Double
    var time: Int64
    var step: Int
  }

  var metrics: [Metric] = []
  var parameters: [String: String] = [:]
}

extension JSONEncoder {
  /// NaN and infinities as MLflow's protocol buffers write them.
  static var journal: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}

extension JSONDecoder {
  static var journal: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }
}
