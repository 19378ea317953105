import Foundation

/// Files that are not there yet.
public enum NewFile {
  /// Writes a file under a name that nothing has, with a mode that the umask is taken from, or with
  /// `exactMode`. Returns 0, or -1 with the reason in `errno`; what is written by then stays.
  public static func write(
    _ data: Data, to path: String, mode: mode_t, exactMode: mode_t? = nil
  ) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { return -1 }
    let isWritten = write(data, to: descriptor)
    let code = errno
    if let exactMode { _ = fchmod(descriptor, exactMode) }
    let isClosed = close(descriptor) == 0
    if !isWritten { errno = code }
    return isWritten && isClosed ? 0 : -1
  }

  private static func write(_ data: Data, to descriptor: Int32) -> Bool {
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return false }
        done += count
      }
      return true
    }
  }
}
