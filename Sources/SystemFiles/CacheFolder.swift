import Foundation

/// Where moec keeps what it can make again, and what is still to be sent: one folder for all.
public enum CacheFolder {
  /// `$MOEC_CACHE`, else `$XDG_CACHE_HOME/moec`, else `~/.cache/moec` (`~/Library/Caches/moec` on
  /// macOS); nil where the environment names none.
  ///
  /// An empty variable counts as none. A relative `MOEC_CACHE` is one of the current folder; other
  /// relative paths say nothing, as the XDG specification has it.
  public static func standard(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> URL? {
    if let named = environment["MOEC_CACHE"], !named.isEmpty { return URL(fileURLWithPath: named) }
    func folder(_ variable: String, _ path: String) -> URL? {
      guard let base = environment[variable], base.hasPrefix("/") else { return nil }
      return URL(fileURLWithPath: base).appendingPathComponent(path)
    }
    #if canImport(Darwin)
      let home = folder("HOME", "Library/Caches/moec")
    #else
      let home = folder("HOME", ".cache/moec")
    #endif
    return folder("XDG_CACHE_HOME", "moec") ?? home
  }

  /// Why nothing is to be read from or kept in a folder; nil for one that can be used. One that is
  /// not there is made, for its owner alone, unless only reading is meant.
  public static func problem(of folder: URL, isMade: Bool = true) -> String? {
    if isMade, access(folder.path, F_OK) != 0, NewFolder.make(folder.path, mode: 0o700) != 0 {
      return String(cString: strerror(errno))
    }
    var status = stat()
    guard stat(folder.path, &status) == 0 else { return String(cString: strerror(errno)) }
    if status.st_mode & S_IFMT != S_IFDIR { return "it is a file" }
    if status.st_uid != geteuid() { return "it is another user's" }
    if status.st_mode & 0o022 != 0 { return "others may write there: chmod go-w it" }
    return access(folder.path, W_OK | X_OK) == 0 ? nil : String(cString: strerror(errno))
  }

  /// A folder for files that are still needed after this process: in the cache if there is a usable
  /// one, else among the temporary files. It may be one that nothing can be written to.
  public static func lasting(
    _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> URL {
    if let folder = standard(environment: environment), problem(of: folder) == nil {
      return folder.appendingPathComponent(name)
    }
    let temporary = FileManager.default.temporaryDirectory
    let usual = temporary.appendingPathComponent("moec-\(geteuid())")
    let own = temporary.appendingPathComponent("moec-\(UUID().uuidString)")
    return (problem(of: usual) == nil ? usual : own).appendingPathComponent(name)
  }
}
