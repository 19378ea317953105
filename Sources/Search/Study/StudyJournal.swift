import Foundation
import SystemFiles

/// A study on disk: a line of JSON for each record, only ever appended, each on the disk before anything
/// depends on it.
///
/// Processes, of several machines too where they share the folder, agree by a lock on the file: who begins a
/// trial has read all that others wrote, and its number is taken once it is written. Half a line, of a
/// process that was killed as it wrote, is taken away by the next that holds the lock. The journal is moec's
/// own, as random and grid search work without Optuna, and as a trial is to be counted once: Optuna's study
/// lives in memory and is told of all trials anew.
public final class StudyJournal: @unchecked Sendable {
  public let path: String
  private let descriptor: Int32
  private let lock = NSRecursiveLock()
  // Guarded by the lock.
  private var state = Study()
  private var read = 0
  private var lines = 0
  private var depth = 0

  /// Opens the journal, or makes a new one. Errors: it cannot be written.
  public init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(operation: "write", path: path, code: EINVAL)
    }
    try exclusively {}
  }

  deinit { close(descriptor) }

  /// The study as it was when this process looked last.
  public var study: Study { lock.withLock { state } }

  /// Does something while no other process writes, with all that others wrote before taken in.
  @discardableResult
  public func exclusively<Result>(_ work: () throws -> Result) throws -> Result {
    lock.lock()
    defer { lock.unlock() }
    depth += 1
    defer { depth -= 1 }
    if depth > 1 { return try work() }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else { throw FileError(operation: "lock", path: path, code: errno) }
    }
    defer { flock(descriptor, LOCK_UN) }
    try refresh()
    return try work()
  }

  /// Adds a record, on the disk when this returns.
  public func append(_ record: StudyRecord) throws {
    try exclusively {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let line = Array(try encoder.encode(record)) + [UInt8(ascii: "\n")]
      try write(line)
      read += line.count
      lines += 1
      state.apply(record)
    }
  }

  /// All or nothing.
  private func write(_ line: [UInt8]) throws(FileError) {
    var done = 0
    while done < line.count {
      let count = line.withUnsafeBytes { raw in
        pwrite(
          descriptor, raw.baseAddress.map { $0 + done }, raw.count - done, off_t(read + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = count < 0 ? errno : ENOSPC
        ftruncate(descriptor, off_t(read))
        throw FileError(operation: "write", path: path, code: code)
      }
      done += count
    }
    guard fsync(descriptor) == 0 else { throw .current("write", path) }
  }

  /// Takes in what is new. Errors: a line that is no record, or an end of a line that is none of one.
  private func refresh() throws {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size > read else { return }
    var bytes = [UInt8](repeating: 0, count: size - read)
    let count = bytes.withUnsafeMutableBytes {
      pread(descriptor, $0.baseAddress, $0.count, off_t(read))
    }
    guard count == bytes.count else { throw FileError.current("read", path) }
    let whole = (bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    for line in bytes[..<whole].split(separator: UInt8(ascii: "\n")) {
      lines += 1
      state.apply(try record(line))
    }
    read += whole
    guard whole < bytes.count else { return }
    guard Self.isBegun(bytes[whole...]) else {
      lines += 1
      throw foreignLine
    }
    ftruncate(descriptor, off_t(read))
  }

  /// Whether bytes are how a record begins, or what a machine that lost its power leaves of one: all else
  /// was written by somebody else, and stays.
  private static func isBegun(_ bytes: ArraySlice<UInt8>) -> Bool {
    if bytes.allSatisfy({ $0 == 0 }) { return true }
    return ["study", "begin", "take", "report", "end"].contains { kind in
      zip(bytes, "{\"\(kind)\":{".utf8).allSatisfy { $0 == $1 }
    }
  }

  private var foreignLine: SearchError {
    SearchError(
      "\(path):\(lines): not a line of a study's journal",
      hint: "name another folder with --study, or remove the line")
  }

  private func record(_ line: ArraySlice<UInt8>) throws(SearchError) -> StudyRecord {
    guard MarkRuns.excessive(in: line) == nil,
      let record = try? JSONDecoder().decode(StudyRecord.self, from: Data(line))
    else { throw foreignLine }
    return record
  }
}

extension StudyJournal {
  /// Notes what the study is about, or finds that it is this. Errors: it is about something else, and
  /// has trials.
  public func begin(_ plan: StudyPlan) throws {
    try exclusively {
      guard let known = study.plan else { return try append(.study(plan: plan)) }
      guard let difference = plan.difference(from: known) else { return }
      guard !study.trials.isEmpty else { return try append(.study(plan: plan)) }
      throw SearchError(
        "\(path) is of another search: \(difference)",
        hint: "search as before, or begin a study of its own with --study FOLDER")
    }
  }
}
