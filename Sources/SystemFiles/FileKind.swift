/// A kind of files that can be made again, told by how they begin, so that one of them may take
/// another's place and nothing else's.
public struct FileKind: Sendable {
  /// With its article: "a library".
  public let name: String
  private let isOne: @Sendable (_ start: [UInt8], _ path: String) -> Bool

  /// `isOne` gets a file's first bytes and its path.
  public init(
    _ name: String, isOne: @escaping @Sendable (_ start: [UInt8], _ path: String) -> Bool
  ) {
    self.name = name
    self.isOne = isOne
  }

  /// Files that begin with one of these texts.
  public init(_ name: String, beginning starts: String...) {
    self.init(name) { start, _ in starts.contains { start.starts(with: Array($0.utf8)) } }
  }

  /// Whether there is no file at `path`, an empty one, or one of this kind. What cannot be looked
  /// into is left to whoever writes, who says why.
  public func mayReplace(_ path: String) -> Bool {
    guard let file = try? InputFile(path: path), file.size > 0,
      let start = try? file.bytes(0..<min(file.size, FileKind.lookedAt))
    else { return true }
    return isOne(start, path)
  }

  /// Bytes of a file's start.
  private static let lookedAt = 4096

  /// ELF, Mach-O and archives of several.
  public static let library = FileKind("a library") { start, _ in
    [
      [0x7F, 0x45, 0x4C, 0x46], [0xCF, 0xFA, 0xED, 0xFE], [0xCE, 0xFA, 0xED, 0xFE],
      [0xCA, 0xFE, 0xBA, 0xBE],
    ].contains { start.starts(with: $0 as [UInt8]) }
  }

  public static let header = FileKind(
    "a header of moec's", beginning: "// moec_model.h: the C interface of every library that moec")

  public static let page = FileKind("a page", beginning: "<!DOCTYPE html>")

  public static let drawing = FileKind("an SVG", beginning: "<svg", "<?xml")

  public static let pixels = FileKind("a PNG") { start, _ in
    start.starts(with: [0x89, 0x50, 0x4E, 0x47])
  }

  /// What is in the Chrome trace format.
  public static let trace = FileKind("a trace") { start, _ in
    String(decoding: start, as: UTF8.self).contains("\"traceEvents\"")
  }
}
