import Foundation

/// Which file a path names: two paths of one file are equal, whether by way of a folder, a link or a
/// second name.
public struct FilePlace: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64
  /// The name in that folder of what does not exist yet; empty for what does.
  private let name: String

  /// The file or folder at `path`, or the place where one would be made. Nil for what holds nothing,
  /// such as a terminal or a pipe, and where there is no folder.
  public init?(_ path: String) {
    var status = stat()
    if stat(path, &status) != 0 {
      self.init(nameOf: path)
    } else {
      let kind = status.st_mode & S_IFMT
      guard kind == S_IFREG || kind == S_IFDIR else { return nil }
      self.init(status, name: "")
    }
  }

  /// The ordinary file that is open there; nil if it is something else.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status, name: "")
  }

  /// The name in a folder that a path leads to, links followed: two names of one file differ.
  init?(nameOf path: String) {
    var status = stat()
    let (folder, last) = FilePlace.split(FilePlace.target(of: path))
    guard !last.isEmpty, stat(folder, &status) == 0 else { return nil }
    self.init(status, name: last)
  }

  private init(_ status: stat, name: String) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(truncatingIfNeeded: status.st_ino)
    self.name = name
  }

  /// Where a link leads, its file there or not.
  static func target(of path: String) -> String {
    var path = path
    for _ in 0..<16 {
      guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
        return path
      }
      path = next.hasPrefix("/") ? next : split(path).folder + "/" + next
    }
    return path
  }

  /// A path's folder and its last part.
  static func split(_ path: String) -> (folder: String, last: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    return (folder, String(path[path.index(after: slash)...]))
  }
}
