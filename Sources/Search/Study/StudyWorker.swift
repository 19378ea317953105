import Foundation
import SystemFiles

/// This process among those that work at a study: others see by a lock whether it still lives.
public final class StudyWorker: Sendable {
  /// The machine's name, the process's number, and something that no other has.
  public let name: String
  private let folder: String
  private let lock: FileLock

  /// Errors: the folder cannot be made, or its file system has no locks.
  public init(in folder: String) throws {
    guard NewFolder.make(folder) == 0 else {
      throw FileError(operation: "make", path: folder, code: errno)
    }
    let host = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
      .filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    let process = ProcessInfo.processInfo.processIdentifier
    name = "\(host)-\(process)-\(UUID().uuidString.prefix(8).lowercased())"
    self.folder = folder
    guard let lock = try FileLock("\(folder)/\(name)") else {
      throw SearchError(
        "\(folder): files cannot be locked there",
        hint: "name a folder on another file system with --study")
    }
    self.lock = lock
  }

  /// Whether a worker goes on; one that has gone leaves nothing locked, whatever ended it.
  func isAlive(_ other: String) -> Bool {
    if other == name { return true }
    // A name from a journal is no path.
    guard !other.contains("/") else { return false }
    do {
      guard let lock = try FileLock("\(folder)/\(other)") else { return true }
      lock.release()
      return false
    } catch { return true }
  }

  /// Lets others know that this worker is done.
  public func leave() { lock.release() }
}
