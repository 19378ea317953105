import Foundation

/// The files that a journal's entries name: those that a living run refers to, and those that lie
/// beside a journal that was left, in its folder or in `NAME.files`.
///
/// A journal may be anybody's: nothing else that it names is sent.
final class JournalFiles: @unchecked Sendable {
  private let folder: String
  /// `NAME.files` beside `NAME.jsonl`.
  private let ownFolder: String
  private let lock = NSLock()
  /// Where the files are that this run refers to, by their names here.
  private var originals: [String: String] = [:]
  private var count = 0

  init(journal path: String) {
    let file = URL(fileURLWithPath: path)
    folder = file.deletingLastPathComponent().path
    ownFolder = file.deletingPathExtension().path + ".files"
  }

  /// Refers to a file that is elsewhere; its name for an entry.
  func refer(to path: String) -> String {
    lock.withLock {
      let name = "\((ownFolder as NSString).lastPathComponent)/\(count)"
      count += 1
      originals[name] = path
      return name
    }
  }

  /// Where the file is that an entry names; nil if it is not of this journal.
  func location(of name: String) -> String? {
    if let original = lock.withLock({ originals[name] }) { return original }
    let path = name.hasPrefix("/") ? name : folder + "/" + name
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    guard let place = Self.real((path as NSString).deletingLastPathComponent),
      let here = Self.real(folder)
    else { return nil }
    // A folder of its own that is a link leads elsewhere.
    let own = here + "/" + (ownFolder as NSString).lastPathComponent
    return place == here || place == own ? path : nil
  }

  /// The server has it.
  func forget(_ name: String) {
    let isElsewhere = lock.withLock { originals.removeValue(forKey: name) } != nil
    guard !isElsewhere, let path = location(of: name), path.hasPrefix(ownFolder + "/") else {
      return
    }
    unlink(path)
  }

  /// Puts copies of what was not sent beside the journal, so that it can be sent later as it is now;
  /// gives those of which there is none.
  func keep() -> [String] {
    let originals = lock.withLock { self.originals }
    if originals.isEmpty { return [] }
    let files = FileManager.default
    try? files.createDirectory(
      atPath: ownFolder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    return originals.filter { name, path in
      (try? files.copyItem(atPath: path, toPath: folder + "/" + name)) == nil
    }.map(\.value).sorted()
  }

  /// Only when nothing else is in it.
  func removeFolder() { rmdir(ownFolder) }

  private static func real(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
