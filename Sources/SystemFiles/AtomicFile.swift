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
    if path.isEmpty { throw FileError(operation: "write", path: "\"\"", code: ENOENT) }
    if path.hasSuffix("/") { throw FileError(operation: "write", path: path, code: EISDIR) }
    var status = stat()
    let exists = stat(target, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(operation: "write", path: path, code: isFolder ? EISDIR : EINVAL)
    }
    self.path = target
    temporaryPath = AtomicFile.temporaryName(beside: target)
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .current("write", path) }
    // Held as long as this process lives: it tells others that the file is no left-over.
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
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
    AtomicFile.syncFolder(of: path)
  }

  /// Whether `path` could be written now, found out without touching what is there. What writers
  /// that were killed left beside it is removed.
  public static func check(_ path: String) throws(FileError) {
    _ = try AtomicFile(replacing: path)
    removeLeftOvers(beside: resolved(path))
  }

  /// Makes `name` another name of the file at `path`, in place of what was there. The two share
  /// their bytes until one of them is replaced; false where the file system cannot do that.
  public static func link(_ path: String, as name: String) -> Bool {
    let target = resolved(name)
    let temporary = temporaryName(beside: target)
    guard Foundation.link(resolved(path), temporary) == 0 else { return false }
    if rename(temporary, target) == 0 {
      // Two names of one file are left alone by rename.
      unlink(temporary)
      syncFolder(of: target)
      return true
    }
    unlink(temporary)
    return false
  }

  /// Temporary files of `path` that no living process holds; younger than five seconds they may
  /// be about to be locked.
  private static func removeLeftOvers(beside path: String) {
    let folder = (path as NSString).deletingLastPathComponent
    let prefix = "." + stem(of: path) + "."
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasPrefix(prefix) && name.hasSuffix(".tmp") {
      let identifier = name.dropFirst(prefix.count).dropLast(4)
      guard UUID(uuidString: String(identifier)) != nil else { continue }
      removeIfLeftOver((folder as NSString).appendingPathComponent(name))
    }
  }

  private static func removeIfLeftOver(_ path: String) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, time(nil) - changed(status) > 5,
      flock(descriptor, LOCK_EX | LOCK_NB) == 0
    else { return }
    unlink(path)
  }

  private static func changed(_ status: stat) -> Int {
    #if canImport(Darwin)
      status.st_mtimespec.tv_sec
    #else
      status.st_mtim.tv_sec
    #endif
  }

  /// The rename is done when this runs; a file system that cannot sync folders is no failure.
  private static func syncFolder(of path: String) {
    let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// The absolute path with links followed, as the system follows them: `link/..` is where the link's
  /// folder lies, and what is behind a folder that is missing is nowhere. A file not yet there is
  /// looked for in its folder; a path that leads nowhere stays as it is.
  static func resolved(_ path: String) -> String {
    if let real = real(path) { return real }
    let (folder, last) = FilePlace.split(FilePlace.target(of: path))
    guard !last.isEmpty, let real = real(folder) else { return path }
    return real == "/" ? "/" + last : real + "/" + last
  }

  private static func real(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    // What is no UTF-8 cannot be said in Swift, and would lead elsewhere.
    return String(validatingCString: real)
  }

  private static func temporaryName(beside path: String) -> String {
    name(beside: path, "\(UUID().uuidString).tmp")
  }

  /// A hidden file's path beside that of another.
  static func name(beside path: String, _ ending: String) -> String {
    // Foundation would take `..` away together with the part before it, link or not.
    FilePlace.split(path).folder + "/.\(stem(of: path)).\(ending)"
  }

  /// Names are at most 255 bytes on the usual file systems: a long one is left out.
  private static func stem(of path: String) -> String {
    let name = (path as NSString).lastPathComponent
    return name.utf8.count > 150 ? "save" : name
  }
}
