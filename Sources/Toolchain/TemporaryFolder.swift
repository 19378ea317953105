import Foundation

/// A fresh folder for files that nobody needs afterwards.
public struct TemporaryFolder {
  public let url: URL

  public init() throws(ToolchainError) {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("moec-" + UUID().uuidString)
    try? FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    // Nobody else's to read or to change: what is in it is compiled and run.
    guard mkdir(url.path, 0o700) == 0 else {
      throw .cannotWrite(url.path, code: errno, isTemporary: true)
    }
  }

  public func remove() { try? FileManager.default.removeItem(at: url) }
}
