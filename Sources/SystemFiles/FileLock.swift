import Foundation

/// Keeps other processes from writing a file while this one does, until it is released or the process
/// ends, however it ends.
///
/// The lock is on `.NAME.lock` beside the file, with the number of the process in it: the file itself
/// may be replaced while it is held. A lock file that a killed process left holds nothing.
public final class FileLock: @unchecked Sendable {
  private var descriptor: Int32
  /// The lock file to remove; nil where the file itself is locked.
  private let ownFile: String?

  /// Locks the file that is or will be at `path`; nil where nothing can be locked: no folder, no
  /// ordinary file, a file system without locks. Errors: another process has it.
  public init?(_ path: String) throws(FileLockError) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return nil }
    let target = AtomicFile.resolved(path)
    let beside = AtomicFile.name(beside: target, "lock")
    for _ in 0..<1000 {
      let opened = FileLock.opened(beside)
      guard opened >= 0 else { break }
      switch FileLock.locked(opened, beside) {
      case .held:
        (descriptor, ownFile) = (opened, beside)
        FileLock.note(in: opened)
        return
      case .busy: throw FileLockError(path: path, process: FileLock.process(closing: opened))
      case .impossible:
        close(opened)
        return nil
      case .gone: close(opened)
      }
    }
    // Where no file can be made beside it, the file itself is locked.
    descriptor = open(target, O_RDONLY | O_CLOEXEC)
    ownFile = nil
    guard descriptor >= 0 else { return nil }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(descriptor)
      throw FileLockError(path: path, process: nil)
    }
  }

  deinit { release() }

  /// Lets others have the file.
  public func release() {
    guard descriptor >= 0 else { return }
    if let ownFile { unlink(ownFile) }
    close(descriptor)
    descriptor = -1
  }

  private enum State {
    case held, busy, impossible, gone
  }

  private static func opened(_ path: String) -> Int32 {
    let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    // One that another user made cannot be written, only locked.
    return opened >= 0 ? opened : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
  }

  /// Whoever held it may have removed the file in between, and then others make a new one.
  private static func locked(_ descriptor: Int32, _ path: String) -> State {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      return errno == EWOULDBLOCK ? .busy : .impossible
    }
    var (mine, current) = (stat(), stat())
    guard fstat(descriptor, &mine) == 0, stat(path, &current) == 0 else { return .gone }
    return mine.st_ino == current.st_ino && mine.st_dev == current.st_dev ? .held : .gone
  }

  private static func note(in descriptor: Int32) {
    let text = Array("\(ProcessInfo.processInfo.processIdentifier)\n".utf8)
    ftruncate(descriptor, 0)
    _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  private static func process(closing descriptor: Int32) -> Int? {
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}

/// Another process writes a file.
public struct FileLockError: ExplainedError, Equatable {
  public let path: String
  /// Its number, if that is known.
  public let process: Int?

  public var message: String {
    "\(path) is being written by another run\(process.map { ", process \($0)" } ?? "")"
  }

  public var hint: String { "wait until that has ended, or name other files" }
}
