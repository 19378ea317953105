import Foundation

/// Results kept by the SHA-256 of everything they were made from.
///
/// The folder is `$MOEC_CACHE`, else `$XDG_CACHE_HOME/moec`, else `~/.cache/moec`
/// (`~/Library/Caches/moec` on macOS). A cache never fails: what cannot be read is a miss, and
/// what cannot be written is not kept.
public struct ContentCache: Sendable {
  /// Where entries are, or nil for a cache that keeps nothing.
  public let folder: URL?
  /// How many entries are kept; the oldest go first.
  let limit: Int

  /// A cache in `folder`, or one that keeps nothing.
  public init(folder: URL?, limit: Int = 256) {
    self.folder = folder
    self.limit = limit
  }

  /// The user's cache, as the environment says.
  public static func standard(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ContentCache {
    ContentCache(folder: standardFolder(environment))
  }

  private static func standardFolder(_ environment: [String: String]) -> URL? {
    func folder(_ variable: String, _ path: String) -> URL? {
      guard let base = environment[variable], base.hasPrefix("/") else { return nil }
      return URL(fileURLWithPath: base).appendingPathComponent(path)
    }
    #if canImport(Darwin)
      let home = folder("HOME", "Library/Caches/moec")
    #else
      let home = folder("HOME", ".cache/moec")
    #endif
    return folder("MOEC_CACHE", "") ?? folder("XDG_CACHE_HOME", "moec") ?? home
  }

  /// What was stored under `key`, or nil if nothing was, or if the entry is damaged.
  public func data(for key: ContentKey) -> Data? {
    guard let url = url(of: key), let entry = try? Data(contentsOf: url),
      entry.count >= Self.digestLength
    else { return nil }
    let payload = entry.dropFirst(Self.digestLength)
    let digest = entry.prefix(Self.digestLength)
    return Data(SHA256.hexadecimal(of: payload).utf8) == digest ? Data(payload) : nil
  }

  /// Keeps `data` under `key`, whole or not at all.
  public func store(_ data: Data, for key: ContentKey) {
    guard let folder, let url = url(of: key) else { return }
    let entry = Data(SHA256.hexadecimal(of: data).utf8) + data
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try entry.write(to: url, options: .atomic)
      dropOldest(in: folder)
    } catch {
      return  // A cache that cannot be written is no failure.
    }
  }

  private static let digestLength = 64

  private func url(of key: ContentKey) -> URL? {
    folder?.appendingPathComponent(key.digest + ".entry")
  }

  private func dropOldest(in folder: URL) {
    let keys: [URLResourceKey] = [.contentModificationDateKey]
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: keys)
    let entries = (files ?? []).filter { $0.pathExtension == "entry" }
    guard entries.count > limit else { return }
    let dated = entries.map { ($0, FileIdentity(path: $0.path)?.modified ?? 0) }
    for (url, _) in dated.sorted(by: { $0.1 < $1.1 }).prefix(entries.count - limit) {
      try? FileManager.default.removeItem(at: url)
    }
  }
}
