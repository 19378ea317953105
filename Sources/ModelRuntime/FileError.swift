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
    self.init(
      operation: operation, path: path,
      code: isSystem ? Int32(cause.code) : Self.systemCode(of: cause))
  }

  /// The system's number for an error that Foundation put into its own words.
  private static func systemCode(of error: NSError) -> Int32 {
    guard error.domain == NSCocoaErrorDomain else { return EIO }
    switch CocoaError.Code(rawValue: error.code) {
    case .fileNoSuchFile, .fileReadNoSuchFile: return ENOENT
    case .fileReadNoPermission, .fileWriteNoPermission: return EACCES
    case .fileWriteFileExists: return EEXIST
    case .fileWriteOutOfSpace: return ENOSPC
    case .fileWriteVolumeReadOnly: return EROFS
    default: return EIO
    }
  }

  /// What `errno` says after a call that just failed.
  static func current(_ operation: String, _ path: String) -> FileError {
    FileError(operation: operation, path: path, code: errno)
  }

  public var message: String {
    "cannot \(operation) \(path): \(isFull ? Self.full(code) : String(cString: strerror(code)))"
  }

  private static func full(_ code: Int32) -> String {
    switch code {
    case EDQUOT: "no space left in your quota"
    case EFBIG: "no space left below the limit on a file's size"
    default: "no space left"
    }
  }

  public var hint: String {
    switch code {
    case ENOSPC: return "free some space there, or name a place on another disk"
    case EDQUOT: return "remove some of your files there, or name a place on another disk"
    case EFBIG: return "raise the limit with 'ulimit -f', where the file system allows it"
    case ENOENT: return operation == "read" ? "check the name" : "make the folder first"
    case EACCES, EPERM, EROFS:
      return "check who may \(operation == "read" ? "read" : "write") there"
    case EISDIR: return "name a file, not a folder"
    case EINVAL: return "name an ordinary file"
    case EEXIST: return "name another place, or remove what is there first"
    case ENOTDIR: return "a part of the path is a file, not a folder: check the name"
    case EMFILE, ENFILE: return "raise the number of open files with 'ulimit -n'"
    case EPIPE: return "what reads the output ended early"
    default: return "check the disk and its file system, or name another place"
    }
  }

  /// Whether the disk, the quota or the allowed file size ran out.
  public var isFull: Bool { code == ENOSPC || code == EFBIG || code == EDQUOT }
}
