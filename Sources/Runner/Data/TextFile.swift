import Foundation
import SystemFiles

/// Texts as files, for commands that work on them.
public enum TextFile {
  /// Hands over the bytes of a UTF-8 file, mapped and not copied, without a byte-order mark at its
  /// start. Errors: unreadable, not UTF-8.
  public static func read(
    _ path: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
  ) throws {
    let file = try MappedFile(path: path)
    let text = try CorpusText.checked(file.bytes.bindMemory(to: UInt8.self), path)
    try withExtendedLifetime(file) { try body(text) }
  }

  /// The bytes of a text, of a file or for `-` of standard input, without a byte-order mark at
  /// its start. Errors: unreadable, UTF-16.
  public static func bytes(_ path: String) throws -> [UInt8] {
    let bytes = path == "-" ? try standardInput() : try CorpusText.bytes(of: path)
    if TextBytes.isUTF16(bytes) { throw CorpusError.utf16(path: path) }
    return Array(bytes.dropFirst(TextBytes.markLength(bytes)))
  }

  /// The same of what must be UTF-8. Errors: besides, it is not.
  public static func utf8(_ path: String) throws -> [UInt8] {
    let text = try bytes(path)
    if let offset = text.withUnsafeBufferPointer(CorpusText.firstInvalid) {
      throw CorpusError.notUTF8(path: path == "-" ? "standard input" : path, offset: offset)
    }
    return text
  }

  private static func standardInput() throws(FileError) -> [UInt8] {
    do {
      return Array(try FileHandle.standardInput.readToEnd() ?? Data())
    } catch {
      throw FileError(operation: "read", path: "standard input", error)
    }
  }
}
