import Foundation
import SystemFiles

/// Reads texts and finds where they are not UTF-8.
enum CorpusText {
  /// The UTF-8 of a file, without a byte-order mark at its start unless that is kept.
  /// Errors: unreadable, not UTF-8.
  static func read(_ path: String, keepsMark: Bool = false) throws(CorpusError) -> [UInt8] {
    let bytes = try text(of: path)
    if let offset = bytes.withUnsafeBufferPointer(firstInvalid) {
      throw .notUTF8(path: path, offset: offset)
    }
    let mark = keepsMark ? 0 : TextBytes.markLength(bytes)
    return mark == 0 ? bytes : Array(bytes[mark...])
  }

  /// The bytes of a text. Errors: unreadable, UTF-16.
  static func text(of path: String) throws(CorpusError) -> [UInt8] {
    let bytes = try bytes(of: path)
    if TextBytes.isUTF16(bytes) { throw .utf16(path: path) }
    return bytes
  }

  /// A text without a byte-order mark at its start. Errors: UTF-16, or otherwise no UTF-8.
  static func checked(
    _ text: UnsafeBufferPointer<UInt8>, _ path: String
  ) throws(CorpusError) -> UnsafeBufferPointer<UInt8> {
    if TextBytes.isUTF16(text) { throw .utf16(path: path) }
    if let offset = firstInvalid(in: text) { throw .notUTF8(path: path, offset: offset) }
    return UnsafeBufferPointer(rebasing: text[TextBytes.markLength(text)...])
  }

  /// The bytes of an ordinary file or of a pipe (`--data <(zcat text.gz)`).
  static func bytes(of path: String) throws(CorpusError) -> [UInt8] {
    var status = stat()
    guard stat(path, &status) == 0 else { throw unreadable(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG, S_IFIFO: break
    case S_IFDIR: throw unreadable(path, EISDIR)
    default: throw unreadable(path, EINVAL)
    }
    guard let file = FileHandle(forReadingAtPath: path) else { throw unreadable(path, errno) }
    do {
      return Array(try file.readToEnd() ?? Data())
    } catch {
      throw .unreadable(FileError(operation: "read", path: path, error))
    }
  }

  /// Where the first bytes are that are no UTF-8; nil if there are none.
  static func firstInvalid(in text: UnsafeBufferPointer<UInt8>) -> Int? {
    var start = 0
    while start < text.count {
      // Cut between characters: at most three bytes continue one.
      var end = Swift.min(start + (1 << 20), text.count)
      while end < text.count, end > start + 4, text[end] & 0xc0 == 0x80 { end -= 1 }
      let stretch = UnsafeBufferPointer(rebasing: text[start..<end])
      if String(validating: stretch, as: UTF8.self) == nil {
        return start + firstError(in: stretch)
      }
      start = end
    }
    return nil
  }

  private static func firstError(in text: UnsafeBufferPointer<UInt8>) -> Int {
    var iterator = text.makeIterator()
    var parser = Unicode.UTF8.ForwardParser()
    var offset = 0
    while case .valid(let encoded) = parser.parseScalar(from: &iterator) { offset += encoded.count }
    return offset
  }

  private static func unreadable(_ path: String, _ code: Int32) -> CorpusError {
    .unreadable(FileError(operation: "read", path: path, code: code))
  }
}
