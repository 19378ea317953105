import Foundation

/// A file that an earlier command named, from whatever folder that was.
public enum EarlierFile {
  /// Where it is: `path` as seen from here, or a relative one from the folder of `file`, which that command
  /// wrote, or one of those above. Nil if it is in none of them, or can only be read once, as
  /// `/dev/stdin`.
  public static func find(_ path: String, near file: String) -> String? {
    if isLasting(path) { return path }
    guard !path.isEmpty, !path.hasPrefix("/") else { return nil }
    var folder = URL(fileURLWithPath: file).standardized.deletingLastPathComponent()
    while true {
      let candidate = folder.path == "/" ? "/\(path)" : "\(folder.path)/\(path)"
      if isLasting(candidate) { return candidate }
      if folder.path == "/" { return nil }
      folder.deleteLastPathComponent()
    }
  }

  private static func isLasting(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    return [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
  }
}
