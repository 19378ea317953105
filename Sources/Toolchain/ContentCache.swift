import Foundation
import SystemFiles

/// Results kept by the SHA-256 of everything they were made from.
///
/// A cache never fails: what cannot be read is a miss, and what cannot be written is not kept.
/// Libraries in it are loaded and run, so that nothing is taken from a folder that others may write
/// to, or from a file that is not this user's own; and nothing is touched there but entries.
public struct ContentCache: Sendable {
  /// Where entries are, or nil for a cache that keeps nothing.
  public let folder: URL?
  /// How many bytes are kept; what was read longest ago goes first.
  let limit: Int

  /// A cache in `folder`, or one that keeps nothing. The objects of a model are some 3 MB.
  public init(folder: URL?, limit: Int = 1 << 30) {
    self.folder = folder
    self.limit = limit
  }

  /// The user's cache, as the environment says.
  public static func standard(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ContentCache {
    ContentCache(folder: CacheFolder.standard(environment: environment))
  }

  /// Why the cache is not used, for a person; nil if it is, or if there is none.
  public var notice: String? {
    guard let folder, let problem = CacheFolder.problem(of: folder) else { return nil }
    return "the cache \(folder.path) is not used: \(problem)"
  }

  /// The folder if it is this user's alone; made if there is none, unless only reading is meant.
  func usableFolder(isMade: Bool) -> URL? {
    folder.flatMap { CacheFolder.problem(of: $0, isMade: isMade) == nil ? $0 : nil }
  }

  /// What was stored under `key`, or nil if nothing was, or if the entry is damaged or not ours.
  public func data(for key: ContentKey) -> Data? {
    guard let folder = usableFolder(isMade: false),
      let entry = Self.ownFile(folder.appendingPathComponent(Self.name(of: key)).path),
      entry.count >= Self.digestLength
    else { return nil }
    let payload = Data(entry.dropFirst(Self.digestLength))
    return Self.digest(of: payload, key) == entry.prefix(Self.digestLength) ? payload : nil
  }

  /// Keeps `data` under `key`, whole or not at all.
  public func store(_ data: Data, for key: ContentKey) {
    guard let folder = usableFolder(isMade: true) else { return }
    let draft = folder.appendingPathComponent(".\(key.digest).\(UUID().uuidString).tmp").path
    let entry = folder.appendingPathComponent(Self.name(of: key)).path
    guard NewFile.write(Self.digest(of: data, key) + data, to: draft, mode: 0o600) == 0,
      rename(draft, entry) == 0
    else {
      unlink(draft)
      return  // A cache that cannot be written is no failure.
    }
    dropOldest(in: folder)
  }

  private static let digestLength = 64

  /// Depends on the key too: an entry under another's name is none.
  private static func digest(of data: Data, _ key: ContentKey) -> Data {
    var hash = SHA256()
    hash.update(key.digest.utf8)
    hash.update(data)
    return Data(hash.finish().utf8)
  }

  private static func name(of key: ContentKey) -> String { key.digest + ".entry" }

  /// The bytes of an ordinary file that only this user may write; nil for any other.
  private static func ownFile(_ path: String) -> Data? {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, isOwn(status) else { return nil }
    futimens(descriptor, nil)  // It is of use: others go first.
    return try? file.readToEnd() ?? Data()
  }

  private static func isOwn(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }

  /// Whether a file's name is that of an entry: other programs and people have files too.
  private static func isEntry(_ name: String) -> Bool {
    name.utf8.count == digestLength + ".entry".utf8.count && name.hasSuffix(".entry")
      && name.utf8.prefix(digestLength).allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }

  private func dropOldest(in folder: URL) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let entries = names.filter(Self.isEntry).compactMap { name -> Entry? in
      let path = folder.appendingPathComponent(name).path
      var status = stat()
      guard lstat(path, &status) == 0, Self.isOwn(status) else { return nil }
      return Entry(
        path: path, bytes: Int(status.st_size), read: FileIdentity(path: path)?.modified ?? 0)
    }
    var bytes = entries.reduce(0) { $0 + $1.bytes }
    guard bytes > limit else { return }
    for entry in entries.sorted(by: { $0.read < $1.read }) where bytes > limit {
      unlink(entry.path)
      bytes -= entry.bytes
    }
  }

  private struct Entry {
    var path: String
    var bytes: Int
    /// When it was read last, or written.
    var read: Int
  }
}
