import Foundation

/// An open file, read at offsets that are checked against its size before anything is allocated.
package final class InputFile {
  package let path: String
  package let size: Int
  private let descriptor: Int32

  /// Opens an ordinary file. Errors: absent, unreadable, a folder, a pipe or a device.
  package init(path: String) throws(FileError) {
    let opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard opened >= 0 else { throw .current("read", path) }
    var status = stat()
    guard fstat(opened, &status) == 0 else {
      let failure = FileError.current("read", path)
      close(opened)
      throw failure
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(operation: "read", path: path, code: isFolder ? EISDIR : EINVAL)
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = opened
  }

  deinit { close(descriptor) }

  /// Fills `buffer` from `offset` on; an early end of the file is an error.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw FileError(operation: "read", path: path, code: count < 0 ? errno : EIO)
      }
      done += count
    }
  }

  /// The bytes `range`, which must lie within the file.
  package func bytes(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= size else {
      throw FileError(operation: "read", path: path, code: EIO)
    }
    var bytes = [UInt8](repeating: 0, count: range.count)
    try bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(FileError) in try read(into: buffer, at: range.lowerBound) }
    }.get()
    return bytes
  }
}
