import Foundation
import SystemFiles

/// `mpicc`, the C compiler that knows where the headers and libraries of a machine's MPI are.
public struct MPICompiler: Sendable, Equatable {
  public let path: String

  /// The one that `MOEC_MPICC` names; else one beside the program that started the ranks; else the
  /// first on `PATH`. Where several MPIs are installed Debian adds their names to those of their
  /// programs, and the launcher's own is looked for first.
  ///
  /// - Parameters:
  ///   - family: `openmpi` or `mpich`, if it is known which is wanted.
  ///   - folder: where the launcher is.
  /// - Throws: `ToolchainError.noMPICompiler`, or `.unusableMPICompiler` if the one that is named
  ///   is not there.
  public static func find(
    family: String? = nil, beside folder: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ToolchainError) -> MPICompiler {
    var searchPath = SearchPath(environment["PATH"] ?? "")
    if let named = environment["MOEC_MPICC"], !named.isEmpty {
      let path = named.contains("/") ? named : searchPath.first(named: named) ?? named
      guard SearchPath.isProgram(path) else {
        throw .unusableMPICompiler(path: named, reason: "no such program")
      }
      return MPICompiler(path: path)
    }
    let names = (family.map { ["mpicc.\($0)"] } ?? []) + ["mpicc"]
    let beside = SearchPath(folder ?? "")
    for place in [beside, searchPath] {
      searchPath = place
      if let path = names.lazy.compactMap({ searchPath.first(named: $0) }).first {
        return MPICompiler(path: path)
      }
    }
    throw .noMPICompiler
  }

  /// Compiles one C file to a shared library, or takes what an equal one became with an equal MPI,
  /// and lends its path.
  ///
  /// Several processes may do so at once: each has files of its own, and the cache's appear whole.
  ///
  /// - Parameters:
  ///   - sources: the C file, and headers that it includes.
  ///   - cache: where an equal library may be, and is kept.
  /// - Throws: `ToolchainError`, and what `body` throws.
  public func withLibrary<Result>(
    of sources: [(name: String, text: String)], cache: ContentCache = .standard(),
    _ body: (_ path: String) throws -> Result
  ) throws -> Result {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    for (name, text) in sources {
      try Self.write(Data(text.utf8), to: folder.url.appendingPathComponent(name).path)
    }
    let library = folder.url.appendingPathComponent("library.\(Machine.libraryExtension)").path
    let source = sources.first?.name ?? ""
    let key = try key(of: source, in: folder.url.path)
    if let kept = cache.data(for: key) {
      try Self.write(kept, to: library)
    } else {
      _ = try run(Self.flags + ["-o", library, source], in: folder.url.path)
      guard let data = try? Data(contentsOf: URL(fileURLWithPath: library)) else {
        throw ToolchainError.unusableMPICompiler(path: path, reason: "it compiles nothing")
      }
      cache.store(data, for: key)
    }
    return try body(library)
  }

  /// Which MPI it compiles for, as far as it says: `Open MPI 4.1.4`; nil if it does not.
  ///
  /// - Throws: `ToolchainError.unusableMPICompiler` if it does not even say what it would run.
  public func version(limit: Double? = nil) throws(ToolchainError) -> String? {
    _ = try run(["-show"], limit: limit)
    // Each kind has a question of its own, and gives the other's to the C compiler.
    for question in ["--showme:version", "-v"] {
      guard let answer = try? run([question], limit: limit) else { continue }
      if let match = answer.firstMatch(of: /(Open MPI|MPICH)\D*([0-9]+(\.[0-9]+)+)/) {
        return "\(match.output.1) \(match.output.2)"
      }
    }
    return nil
  }

  private static let flags: [String] = {
    #if canImport(Darwin)
      ["-std=c11", "-O2", "-fPIC", "-dynamiclib"]
    #else
      ["-std=c11", "-O2", "-fPIC", "-shared"]
    #endif
  }()

  /// Everything that the library depends on: the text with all that MPI's headers make of it, and
  /// what links it.
  private func key(of source: String, in folder: String) throws(ToolchainError) -> ContentKey {
    ContentKey([
      ("kind", "MPI transport 1"), ("flags", Self.flags.joined(separator: " ")),
      ("compiler", FileIdentity(path: path)?.text ?? path),
      ("command", try run(["-show"])), ("version", try run(["--version"])),
      ("text", try run(["-E", "-P", source], in: folder)),
    ])
  }

  private static func write(_ data: Data, to path: String) throws(ToolchainError) {
    guard NewFile.write(data, to: path, mode: 0o700) == 0 else {
      throw .cannotWrite(path, code: errno, isTemporary: true)
    }
  }

  /// Runs it; gives what it prints.
  private func run(
    _ arguments: [String], in folder: String? = nil, limit: Double? = nil
  ) throws(ToolchainError) -> String {
    let supervision = limit.map { Supervision(limit: $0) } ?? .probing
    let outcome = try Subprocess(
      executable: path, arguments: arguments, folder: folder, supervision: supervision
    ).run()
    if outcome.status == 0 { return outcome.output }
    try ToolchainError.checkForKill(path, status: outcome.status)
    // Open MPI draws lines around what its programs say.
    let lines = outcome.output.split(separator: "\n").filter { $0.contains(where: \.isLetter) }
    let reason = lines.first { $0.contains("error:") } ?? lines.first
    throw .unusableMPICompiler(
      path: path, reason: reason.map(String.init) ?? "it ended with status \(outcome.status)")
  }
}
