import Foundation
import SystemFiles

/// The files that a library was made from, read out of the library's file without loading it.
///
/// They lie in a section of their own: `.moec.sources` (ELF), `__MOEC,__sources` (Mach-O). It is 8
/// bytes `moecsrc1`, then for each file: the size of its name and the size of its text, 8 bytes
/// each, lowest byte first, then the name and the text.
public struct EmbeddedSources: Sendable {
  /// One file: its path below the generated folder, and its bytes.
  public struct File: Sendable, Hashable {
    public var path: String
    public var bytes: [UInt8]

    /// The bytes as UTF-8.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public init(path: String, bytes: [UInt8]) {
      self.path = path
      self.bytes = bytes
    }
  }

  /// In the order in which the library has them.
  public let files: [File]

  static let magic = Array("moecsrc1".utf8)

  /// Reads the files of a library. Errors: no such file, no library, none carried, damaged.
  public init(library path: String) throws(EmbeddedSourcesError) {
    let section: [UInt8]
    do {
      let file = try InputFile(path: path)
      section = try ObjectSection.contents(
        of: file, elf: ".moec.sources", machO: ("__MOEC", "__sources"))
    } catch let error as FileError {
      throw .unreadable(error)
    } catch let error as ObjectSection.Problem {
      throw EmbeddedSourcesError(error, path: path)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
    do {
      files = try Self.parse(section)
    } catch {
      throw .damaged(path: path, reason: error.text)
    }
  }

  /// The file of that path, if the library carries it.
  public subscript(path: String) -> File? { files.first { $0.path == path } }

  struct Damage: Error {
    var text: String
  }

  /// The files of a section's bytes.
  static func parse(_ section: [UInt8]) throws(Damage) -> [File] {
    guard section.starts(with: magic) else {
      throw Damage(text: "the section of its sources is of an unknown form")
    }
    var rest = section[magic.count...]
    var files: [File] = []
    var seen: Set<String> = []
    while !rest.isEmpty {
      let nameSize = try number(&rest)
      let size = try number(&rest)
      let name = String(decoding: try take(nameSize, of: &rest), as: UTF8.self)
      guard isSafe(name), seen.insert(name).inserted else {
        throw Damage(text: "one of its sources has a name that cannot be used")
      }
      files.append(File(path: name, bytes: Array(try take(size, of: &rest))))
    }
    return files
  }

  private static func number(_ rest: inout ArraySlice<UInt8>) throws(Damage) -> UInt64 {
    try take(8, of: &rest).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func take(
    _ count: UInt64, of rest: inout ArraySlice<UInt8>
  ) throws(Damage) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else {
      throw Damage(text: "the section of its sources is cut short")
    }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  /// Whether a path stays below the folder that it is written to: a library may be anybody's.
  private static func isSafe(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.allSatisfy { part in
      !part.isEmpty && part != "." && part != ".."
        && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }
    }
  }
}

extension EmbeddedSources {
  /// Writes all files below a folder, which is made if it does not exist.
  public func write(to folder: String) throws(EmbeddedSourcesError) {
    guard let plain = PlainPath.of(folder) else { throw .noFolder(path: folder) }
    let root = URL(fileURLWithPath: plain)
    for file in files {
      let place = root.appendingPathComponent(file.path)
      let parent = place.deletingLastPathComponent()
      do {
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
      } catch {
        throw .noFolder(path: parent.path)
      }
      do {
        let output = try AtomicFile(replacing: place.path)
        try output.write(file.bytes)
        try output.commit()
      } catch {
        throw .unwritable(error)
      }
    }
  }
}

/// Why the sources of a library cannot be had.
public enum EmbeddedSourcesError: ExplainedError, Equatable {
  /// The library is not there, or not to be read.
  case unreadable(FileError)
  /// It is no library of a kind that could carry sources.
  case notALibrary(path: String, reason: String)
  /// The folder to which they should go cannot be made.
  case noFolder(path: String)
  /// One of them cannot be written.
  case unwritable(FileError)
  /// It carries none.
  case absent(path: String)
  /// It carries some that cannot be read.
  case damaged(path: String, reason: String)

  init(_ problem: ObjectSection.Problem, path: String) {
    switch problem {
    case .notAnObject(let reason): self = .notALibrary(path: path, reason: reason)
    case .damaged(let reason): self = .damaged(path: path, reason: reason)
    case .absent: self = .absent(path: path)
    }
  }

  public var message: String {
    switch self {
    case .unreadable(let error), .unwritable(let error): return error.message
    case .noFolder(let path): return "cannot make the folder \(path)"
    case .notALibrary(let path, let reason): return "\(path) is not a library: \(reason)"
    case .absent(let path): return "\(path) does not carry its sources"
    case .damaged(let path, let reason): return "\(path) is damaged: \(reason)"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return LibraryError.unreadable(error).hint
    case .unwritable(let error): return error.hint
    case .noFolder: return "give a folder that can be made, or one that exists"
    case .notALibrary: return "make one with: moec compile MODEL.swift -o LIB.so"
    case .absent: return "compile the model again with this moec; its libraries carry their sources"
    case .damaged: return "compile the model again"
    }
  }
}
