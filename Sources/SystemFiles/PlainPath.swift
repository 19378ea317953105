import Foundation

/// Paths as the system follows them.
public enum PlainPath {
  /// `path` without `..`: Foundation takes that away together with the part before it, though this may
  /// be a link to elsewhere, or missing. Nil, with the reason in `errno`, where it is missing.
  public static func of(_ path: String) -> String? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let last = parts.lastIndex(of: "..") else { return path }
    guard let real = realpath(parts[...last].joined(separator: "/"), nil) else { return nil }
    defer { free(real) }
    let start = String(cString: real)
    let rest = parts[(last + 1)...].map { "/" + $0 }.joined()
    return start == "/" && !rest.isEmpty ? rest : start + rest
  }
}
