import Foundation

/// A file that appears whole or not at all: written under a temporary name in the same folder,
/// synced, renamed over the old one, and the folder synced. Dropped before `commit`, it leaves
/// nothing behind.
public final class AtomicFile {
  private let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private var isCommitted = false

  /// Opens the temporary file beside `path`. Errors: no such folder, not allowed, `path` is
  /// something other than an ordinary file.
  public init(replacing path: String) throws(FileError) {
    // A link is followed, so that the file it names is replaced and not the link.
    let target = AtomicFile.resolved(path)
    var status = stat()
    let exists = stat(target, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(operation: "write", path: path, code: isFolder ? EISDIR : EINVAL)
    }
    self.path = target
    temporaryPath = AtomicFile.temporaryName(beside: target)
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .current("write", path) }
    if exists { _ = fchmod(descriptor, status.st_mode & 0o777) }
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporaryPath) }
  }

  /// Appends bytes.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      #if canImport(Darwin)
        let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
      #else
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      #endif
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw FileError(operation: "write", path: path, code: count < 0 ? errno : ENOSPC)
      }
      done += count
    }
  }

  /// Appends numbers as little-endian float32.
  public func write(_ numbers: [Float]) throws(FileError) {
    try numbers.withUnsafeBytes { raw in
      Result { () throws(FileError) in try write(raw) }
    }.get()
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBytes { raw in
      Result { () throws(FileError) in try write(raw) }
    }.get()
  }

  /// Replaces the file at `path` by one with this text.
  public static func write(_ text: String, to path: String) throws(FileError) {
    let file = try AtomicFile(replacing: path)
    try file.write(Array(text.utf8))
    try file.commit()
  }

  /// Makes the file appear under its name.
  public func commit() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw .current("write", path) }
    guard rename(temporaryPath, path) == 0 else { throw .current("replace", path) }
    isCommitted = true
    syncFolder()
  }

  /// Whether `path` could be written now, found out without touching what is there.
  public static func check(_ path: String) throws(FileError) {
    _ = try AtomicFile(replacing: path)
  }

  /// The rename is done when this runs; a file system that cannot sync folders is no failure.
  private func syncFolder() {
    let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// The absolute path with links followed; a file not yet there is looked for in its folder.
  private static func resolved(_ path: String) -> String {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    guard let real = realpath(url.path, nil) else { return url.path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func temporaryName(beside path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent
    // Names are at most 255 bytes on the usual file systems: a long one is left out.
    let stem = name.utf8.count > 150 ? "save" : name
    return (folder as NSString).appendingPathComponent(".\(stem).\(UUID().uuidString).tmp")
  }
}
