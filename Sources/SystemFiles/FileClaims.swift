import Foundation

/// The files that a command reads and those that it writes, compared before it touches any of them.
///
/// Every command that writes files names them here first. An output that is an input, that is another
/// output, or that would replace a file of another kind is refused.
public struct FileClaims {
  private var inputs: [FileClaim] = []
  private var outputs: [(claim: FileClaim, kind: FileKind?, mayReplace: Bool)] = []

  public init() {}

  /// A file that is read; nil is none. `what` is how its user knows it, such as `--data`.
  public mutating func read(_ path: String?, _ what: String) {
    if let path { inputs.append(FileClaim(path: path, what: what)) }
  }

  /// A file that is written; nil is none. With a `kind` it replaces only what is of that kind, and nothing
  /// where it must not replace what cannot be made again in a moment.
  public mutating func write(
    _ path: String?, _ what: String, over kind: FileKind? = nil, mayReplace: Bool = true
  ) {
    if let path { outputs.append((FileClaim(path: path, what: what), kind, mayReplace)) }
  }

  /// Whether there is a file with something in it; what is wrong about a folder the writer says.
  private func holdsSomething(_ path: String) -> Bool {
    var status = Foundation.stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size > 0
  }

  /// Errors: what may not be written, the first of it.
  public func check() throws(FileClaimError) {
    var readers: [FilePlace: FileClaim] = [:]
    for input in inputs { if let place = FilePlace(input.path) { readers[place] = input } }
    var writers: [FilePlace: FileClaim] = [:]
    let printed = FilePlace(descriptor: STDOUT_FILENO)
    for (output, kind, mayReplace) in outputs {
      guard let place = FilePlace(output.path), let name = FilePlace(nameOf: output.path) else {
        continue
      }
      if let input = readers[place] { throw .isRead(output, input) }
      // Who names standard output itself wants both in one.
      if place == printed, !output.path.hasPrefix("/dev/") { throw .isPrinted(output) }
      // Two names of one file are replaced each by itself, as the best state and the last one are.
      if let other = writers[name] { throw .isWrittenTwice(other, output) }
      writers[name] = output
      if let kind, !kind.mayReplace(output.path) { throw .isForeign(output, kind) }
      if !mayReplace, holdsSomething(output.path) { throw .isThere(output) }
    }
  }
}

/// A file and what a command has it for.
public struct FileClaim: Equatable, Sendable {
  public var path: String
  public var what: String
}

/// Why a command may not write a file.
public enum FileClaimError: ExplainedError {
  /// It is read by the same command.
  case isRead(FileClaim, FileClaim)
  /// It is written under two names.
  case isWrittenTwice(FileClaim, FileClaim)
  /// What is printed goes there.
  case isPrinted(FileClaim)
  /// It is there and of another kind.
  case isForeign(FileClaim, FileKind)
  /// It is there, and nobody said that it may be replaced.
  case isThere(FileClaim)

  public var message: String {
    switch self {
    case .isRead(let output, let input):
      return output.path == input.path
        ? "\(output.path) is \(input.what), and \(output.what) would replace it"
        : "\(output.path), \(output.what), is the same file as \(input.path), \(input.what)"
    case .isWrittenTwice(let one, let other):
      return "\(one.what) and \(other.what) are one file, \(other.path)"
    case .isPrinted(let output):
      return "\(output.what) and standard output are one file, \(output.path)"
    case .isForeign(let output, let kind):
      return "\(output.path) is there already, and not \(kind.name): "
        + "\(output.what) would replace it"
    case .isThere(let output): return "\(output.path) is there already"
    }
  }

  public var hint: String {
    switch self {
    case .isRead, .isWrittenTwice, .isPrinted: return "name another file; nothing was touched"
    case .isForeign: return "name another place, or move away what is there; nothing was touched"
    case .isThere: return "name another place, or replace it with --overwrite; nothing was touched"
    }
  }
}
