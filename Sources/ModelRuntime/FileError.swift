import Foundation

/// A file that could not be read or written, with the system's reason.
public struct FileError: ExplainedError, Equatable {
  /// What was tried: "read", "write", "open", "replace".
  public let operation: String
  public let path: String
  /// The system's error number.
  public let code: Int32

  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// What Foundation found: the system's error number if it tells, an input-output error if not.
  public init(operation: String, path: String, _ error: any Error) {
    let details = error as NSError
    let cause = (details.userInfo[NSUnderlyingErrorKey] as? NSError) ?? details
    let isSystem = cause.domain == NSPOSIXErrorDomain
    self.init(operation: operation, path: path, code: isSystem ? Int32(cause.code) : EIO)
  }

  /// What `errno` says after a call that just failed.
  static func current(_ operation: String, _ path: String) -> FileError {
    FileError(operation: operation, path: path, code: errno)
  }

  public var message: String {
    "cannot \(operation) \(path): \(isFull ? "no space left" : String(cString: strerror(code)))"
  }

  public var hint: String? {
    if isFull { return "free some space or name another place; what was there before is untouched" }
    switch code {
    case ENOENT: return operation == "read" ? "check the name" : "make the folder first"
    case EACCES, EPERM, EROFS:
      return "check who may \(operation == "read" ? "read" : "write") there"
    case EISDIR: return "name a file, not a folder"
    case EINVAL: return "name an ordinary file"
    default: return nil
    }
  }

  /// Whether the disk, the quota or the allowed file size ran out.
  public var isFull: Bool { code == ENOSPC || code == EFBIG || code == EDQUOT }
}
