import Foundation

/// A file that is small enough to be read as a whole.
public enum WholeFile {
  /// All bytes of an ordinary file. Errors: absent, unreadable, a folder, a pipe or a device.
  public static func bytes(of path: String) throws(FileError) -> [UInt8] {
    let file = try InputFile(path: path)
    return try file.bytes(0..<file.size)
  }

  /// All bytes of an ordinary file, or what comes through a pipe (`<(…)` in a shell, `/dev/stdin`)
  /// until it is closed. Errors: as above but for pipes, and EFBIG where more than `limit` bytes come.
  public static func bytes(
    ofFileOrPipe path: String, limit: Int = 1 << 24
  ) throws(FileError) -> [UInt8] {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
      return try bytes(of: path)
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .current("read", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .current("read", path) }
      if count == 0 { return bytes }
      bytes += block[..<count]
      guard bytes.count <= limit else {
        throw FileError(operation: "read", path: path, code: EFBIG)
      }
    }
  }
}
