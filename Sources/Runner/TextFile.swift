import Foundation
import ModelRuntime

/// Texts as files, for commands that work on them.
public enum TextFile {
  /// Hands over the bytes of a UTF-8 file, mapped and not copied. Errors: unreadable, not UTF-8.
  public static func read(
    _ path: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
  ) throws {
    let file = try MappedFile(path: path)
    let text = file.bytes.bindMemory(to: UInt8.self)
    if let offset = CorpusText.firstInvalid(in: text) {
      throw CorpusError.notUTF8(path: path, offset: offset)
    }
    try withExtendedLifetime(file) { try body(text) }
  }

  /// The bytes of a file, or of standard input for `-`. Errors: unreadable.
  public static func bytes(_ path: String) throws -> [UInt8] {
    guard path == "-" else { return try CorpusText.bytes(of: path) }
    do {
      return Array(try FileHandle.standardInput.readToEnd() ?? Data())
    } catch {
      throw FileError(operation: "read", path: "standard input", error)
    }
  }
}
