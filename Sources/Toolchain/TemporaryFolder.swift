import Foundation

/// A fresh folder for files that nobody needs afterwards.
public struct TemporaryFolder {
  public let url: URL

  public init() throws(ToolchainError) {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("moec-" + UUID().uuidString)
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: url.path, reason: error.localizedDescription)
    }
  }

  public func remove() { try? FileManager.default.removeItem(at: url) }
}
