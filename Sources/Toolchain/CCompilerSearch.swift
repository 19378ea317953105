import Foundation

/// Finds the C compiler to use.
///
/// In order: the one given by the user; a plain `clang` on `PATH`, then `clang-N`, the highest
/// number first; the clang of the Swift toolchain; `gcc`; `cc`. The first with which OpenMP works
/// is taken; if there is none, the first that works at all, with a note. For another processor the
/// same holds of compilers that have its headers and linker; see `CrossTarget`.
public struct CCompilerSearch: Sendable {
  /// The compiler to use, and one line for the user if it cannot run several threads.
  public struct Choice: Sendable, Equatable {
    public var compiler: CCompiler
    public var note: String?
  }

  /// What `--cc` names, if anything.
  public var preferred: String?
  /// Keeps what is known of a compiler from one run to the next.
  public var cache: ContentCache
  /// Seconds that a compiler may take for each question that it is asked.
  public var probeLimit = Supervision.probing.limit
  var searchPath: SearchPath
  /// Folders that hold an OpenMP runtime which no compiler looks into by itself.
  var openMPFolders: [String]
  /// The architecture that needs no cross compiler.
  var machine = Machine.architecture

  public init(preferred: String? = nil, cache: ContentCache = .standard()) {
    self.preferred = preferred
    self.cache = cache
    searchPath = .standard
    openMPFolders = Self.installedOpenMPFolders()
  }

  /// Looks, and probes what it finds.
  ///
  /// - Parameter options: what is to be compiled; a target of another architecture takes a compiler
  ///   that builds for it.
  /// - Throws: `ToolchainError.unusableCCompiler` if the one given by the user does not work,
  ///   `ToolchainError.noCCompiler` if none does, `ToolchainError.unsupportedTarget` if none
  ///   builds for the target.
  public func choose(
    for options: CompileOptions = CompileOptions()
  ) throws(ToolchainError) -> Choice {
    try choose(for: CrossTarget(options, machine: machine))
  }

  private func choose(for target: CrossTarget?) throws(ToolchainError) -> Choice {
    if let preferred { return try choice(given: preferred, for: target) }
    var serial: CCompiler?
    let paths = candidates(for: target)
    for path in paths {
      guard case .success(let compiler) = probe(path, target) else { continue }
      if compiler.openMPFlags != nil { return Choice(compiler: compiler, note: nil) }
      serial = serial ?? compiler
    }
    if let serial { return Choice(compiler: serial, note: Self.note(for: serial)) }
    if let target { throw target.noCompiler(tried: paths) }
    throw .noCCompiler(tried: paths.isEmpty ? ["clang", "gcc", "cc"] : paths)
  }

  private func choice(
    given name: String, for target: CrossTarget?
  ) throws(ToolchainError) -> Choice {
    let path = name.contains("/") ? name : searchPath.first(named: name) ?? name
    guard SearchPath.isProgram(path) else {
      throw .unusableCCompiler(path: name, reason: "no such program")
    }
    let absolute = URL(fileURLWithPath: path).path
    switch probe(absolute, target) {
    case .success(let compiler):
      let isSerial = compiler.openMPFlags == nil
      return Choice(compiler: compiler, note: isSerial ? Self.note(for: compiler) : nil)
    case .failure(let failure):
      let library = target.map { "shared library for \($0.architecture)" } ?? "shared library"
      throw .unusableCCompiler(
        path: name, reason: "does not build a \(library) from a few lines of C: \(failure.text)")
    }
  }

  /// The compilers to consider, best first, each file once.
  func candidates(for target: CrossTarget? = nil) -> [String] {
    let clangs = searchPath.all(named: "clang")
    let all = clangs + searchPath.all(versionsOf: "clang")
    let plain = all.filter { !Self.isSwifts($0) }
    let swifts = clangs.filter(Self.isSwifts) + swiftToolchainsClang()
    let gcc = target.map { "\($0.triple)-gcc" } ?? "gcc"
    let others =
      searchPath.all(named: gcc)
      + (target == nil ? searchPath.all(named: "cc") : searchPath.all(versionsOf: gcc))
    var seen: Set<String> = []
    return (plain + swifts + others).filter { seen.insert(SearchPath.resolved($0)).inserted }
  }

  private static func isSwifts(_ path: String) -> Bool {
    let folder = URL(fileURLWithPath: SearchPath.resolved(path)).deletingLastPathComponent()
    return SearchPath.isProgram(folder.appendingPathComponent("swift-frontend").path)
  }

  private func swiftToolchainsClang() -> [String] {
    guard let swiftc = searchPath.first(named: "swiftc") else { return [] }
    let folder = URL(fileURLWithPath: SearchPath.resolved(swiftc)).deletingLastPathComponent()
    return [folder.appendingPathComponent("clang").path].filter(SearchPath.isProgram)
  }

  func probe(
    _ path: String, _ target: CrossTarget?
  ) -> Result<CCompiler, CCompilerProbe.Failure> {
    // What is in the folders is this machine's own runtime.
    let folders = target == nil ? openMPFolders : []
    return CCompilerProbe(
      path: path, openMPFolders: folders, crossTarget: target, cache: cache, limit: probeLimit
    ).run()
  }

  private static func note(for compiler: CCompiler) -> String {
    if let target = compiler.crossTarget {
      return "note: \(compiler.name) finds no OpenMP runtime for \(target.architecture), so the "
        + "library uses one thread; \(target.triple)-gcc (\(target.compilerPackage) on Debian and "
        + "Ubuntu) brings its own"
    }
    #if canImport(Darwin)
      let advice = "install libomp ('brew install libomp')"
    #else
      let advice = "install libomp-dev (Debian, Ubuntu) for clang, or gcc, which brings its own"
    #endif
    return
      "note: \(compiler.name) finds no OpenMP runtime, so the library uses one thread; \(advice)"
  }
}

extension CCompilerSearch {
  /// Where distributions and Homebrew put libomp, newest LLVM first.
  static func installedOpenMPFolders() -> [String] {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
    let llvm = versions.compactMap { Int($0.dropFirst("llvm-".count)) != nil ? $0 : nil }
      .filter { $0.hasPrefix("llvm-") }
      .sorted { $0.compare($1, options: .numeric) == .orderedDescending }
      .map { "/usr/lib/\($0)/lib" }
    let others = [
      "/opt/homebrew/opt/libomp/lib", "/usr/local/opt/libomp/lib", "/usr/local/lib", "/usr/lib64",
    ]
    return (llvm + others).filter { folder in
      let library = "\(folder)/libomp.\(Machine.libraryExtension)"
      return FileManager.default.fileExists(atPath: library)
    }
  }
}
