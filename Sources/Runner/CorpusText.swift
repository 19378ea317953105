import Foundation
import ModelRuntime

/// Reads texts and finds where they are not UTF-8.
enum CorpusText {
  /// The characters of a file. Errors: unreadable, not UTF-8.
  static func read(_ path: String) throws(CorpusError) -> [Unicode.Scalar] {
    let bytes = try bytes(of: path)
    var text: [Unicode.Scalar] = []
    text.reserveCapacity(bytes.count)
    var iterator = bytes.makeIterator()
    var parser = Unicode.UTF8.ForwardParser()
    var offset = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded):
        text.append(Unicode.UTF8.decode(encoded))
        offset += encoded.count
      case .error: throw .notUTF8(path: path, offset: offset)
      case .emptyInput: return text
      }
    }
  }

  /// The bytes of an ordinary file or of a pipe (`--data <(zcat text.gz)`).
  private static func bytes(of path: String) throws(CorpusError) -> [UInt8] {
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

  private static func unreadable(_ path: String, _ code: Int32) -> CorpusError {
    .unreadable(FileError(operation: "read", path: path, code: code))
  }
}
