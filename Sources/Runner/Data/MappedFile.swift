import Foundation
import SystemFiles

/// A file as memory that the system fills when it is looked at, so that it may be larger than
/// what there is. The file must not become shorter while it is mapped.
final class MappedFile: @unchecked Sendable {
  let path: String
  /// Read only, which is what makes sharing it between threads right.
  let bytes: UnsafeRawBufferPointer

  /// Maps an ordinary file. Errors: absent, unreadable, a folder, a pipe or a device.
  init(path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(operation: "read", path: path, code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FileError(operation: "read", path: path, code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(operation: "read", path: path, code: isFolder ? EISDIR : EINVAL)
    }
    self.path = path
    let size = Int(status.st_size)
    // Nothing cannot be mapped.
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw FileError(operation: "read", path: path, code: errno)
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }
}
