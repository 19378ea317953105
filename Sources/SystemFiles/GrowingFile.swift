import Foundation

/// A file that gets longer in place, with a mark at its end that each addition moves.
package final class GrowingFile {
  private let path: String
  private let descriptor: Int32
  /// Where the mark begins.
  private var length: Int
  private var mark: [UInt8]

  /// Opens a file that ends with `mark`.
  package init(path: String, mark: [UInt8]) throws(FileError) {
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw .current("write", path) }
    self.path = path
    self.mark = mark
    length = Int(lseek(descriptor, 0, SEEK_END)) - mark.count
  }

  /// Opens a file of which only the first `length` bytes are kept, and puts `mark` behind them.
  package convenience init(path: String, keeping length: Int, mark: [UInt8]) throws(FileError) {
    try self.init(path: path, mark: mark)
    self.length = length
    guard ftruncate(descriptor, off_t(length)) == 0 else { throw .current("write", path) }
    try write(mark, at: length)
  }

  deinit { close(descriptor) }

  /// Adds bytes and the new mark in one go; what does not fit leaves the file as it was.
  package func append(_ bytes: [UInt8], mark new: [UInt8]) throws(FileError) {
    do throws(FileError) {
      try write(bytes + new, at: length)
    } catch {
      ftruncate(descriptor, off_t(length))
      try? write(mark, at: length)
      throw error
    }
    length += bytes.count
    mark = new
  }

  package func synchronize() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw .current("write", path) }
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        pwrite(
          descriptor, raw.baseAddress.map { $0 + done }, raw.count - done, off_t(offset + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw FileError(operation: "write", path: path, code: count < 0 ? errno : ENOSPC)
      }
      done += count
    }
  }
}
