import Foundation

/// A fresh folder for files that nobody needs afterwards.
public struct TemporaryFolder: Sendable {
  public let url: URL
  /// Holds the folder's lock as long as this process lives: it tells others that it is in use.
  private let descriptor: Int32

  /// Makes it, and once in a process removes those of processes that were killed.
  public init() throws(ToolchainError) {
    let parent = FileManager.default.temporaryDirectory
    url = parent.appendingPathComponent(Self.prefix + UUID().uuidString)
    try? FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    _ = Self.leftOversAreGone
    // Nobody else's to read or to change: what is in it is compiled and run.
    guard mkdir(url.path, 0o700) == 0 else {
      throw .cannotWrite(url.path, code: errno, isTemporary: true)
    }
    descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX | LOCK_NB) }
  }

  public func remove() {
    try? FileManager.default.removeItem(at: url)
    if descriptor >= 0 { close(descriptor) }
  }

  private static let prefix = "moec-"

  private static let leftOversAreGone: Void = removeLeftOvers(in: FileManager.default.temporaryDirectory)

  /// Removes folders of this user's that no living process holds; younger than a minute they may be
  /// about to be locked.
  static func removeLeftOvers(in parent: URL, olderThan seconds: Int = 60) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    for name in names where name.hasPrefix(prefix) {
      guard UUID(uuidString: String(name.dropFirst(prefix.count))) != nil else { continue }
      let url = parent.appendingPathComponent(name)
      if isLeftOver(url.path, seconds) { try? FileManager.default.removeItem(at: url) }
    }
  }

  private static func isLeftOver(_ path: String, _ seconds: Int) -> Bool {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_uid == geteuid() else { return false }
    #if canImport(Darwin)
      let changed = status.st_mtimespec.tv_sec
    #else
      let changed = status.st_mtim.tv_sec
    #endif
    return time(nil) - changed >= seconds && flock(descriptor, LOCK_EX | LOCK_NB) == 0
  }
}
