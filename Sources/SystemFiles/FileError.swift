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
  package static func current(_ operation: String, _ path: String) -> FileError {
    FileError(operation: operation, path: path, code: errno)
  }

  public var message: String {
    let reason = code == ENOSPC ? "no space left" : SystemError.text(of: code)
    return "cannot \(operation) \(path.isEmpty ? "\"\"" : path): \(reason)"
  }

  public var hint: String { SystemError.hint(for: code, isReading: operation == "read") }

  /// Whether the disk, the quota or the allowed file size ran out.
  public var isFull: Bool { code == ENOSPC || code == EFBIG || code == EDQUOT }
}
