import Foundation

/// The name of a cache entry: the SHA-256 of every input, each with its label and length, so that
/// no two different lists of inputs read the same.
public struct ContentKey: Sendable, Hashable {
  /// 64 hexadecimal digits.
  public let digest: String

  /// The key of the named inputs, in order.
  public init(_ inputs: [(label: String, value: Data)]) {
    var hash = SHA256()
    for (label, value) in inputs {
      hash.update("\(label.utf8.count):\(label)\(value.count):".utf8)
      hash.update(value)
    }
    digest = hash.finish()
  }

  /// The key of the named texts, in order.
  public init(_ inputs: [(label: String, value: String)]) {
    self.init(inputs.map { ($0.label, Data($0.value.utf8)) })
  }
}

/// What tells a file on disk from another or from its own earlier contents, without reading it.
struct FileIdentity: Hashable {
  var path: String
  var size: Int
  /// Nanoseconds since 1970.
  var modified: Int

  /// The identity of the file at `path`, symbolic links followed; nil if there is none.
  init?(path: String) {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    self.path = path
    size = Int(facts.st_size)
    #if canImport(Darwin)
      let time = facts.st_mtimespec
    #else
      let time = facts.st_mtim
    #endif
    modified = time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  var text: String { "\(path) \(size) \(modified)" }
}
