import Foundation
import SystemFiles

/// A C compiler that builds shared libraries, and the way it links OpenMP, if it can.
///
/// Flags are chosen so that a value never depends on how work is cut: C11 arithmetic as written, no
/// `-ffast-math`. Products and sums are contracted to fused operations where the source says
/// so in one expression (clang) or by gcc's one rule for all code, which has no such middle way.
public struct CCompiler: Sendable, Hashable, Codable {
  /// Where the compiler is, or a bare name to be looked up on `PATH`.
  public let path: String
  /// The first line of what `--version` prints.
  public let version: String
  /// The flags with which OpenMP compiles, links and loads; nil if it does not: a serial library.
  public let openMPFlags: [String]?
  /// What it builds for if that is not this machine.
  let crossTarget: CrossTarget?

  init(
    path: String, version: String, openMPFlags: [String]?, crossTarget: CrossTarget? = nil
  ) {
    self.path = path
    self.version = version
    self.openMPFlags = openMPFlags
    self.crossTarget = crossTarget
  }

  /// The architecture of the libraries it builds.
  var architecture: String { crossTarget?.architecture ?? Machine.architecture }

  /// What a clang of this machine must be told to build for another.
  var crossFlags: [String] { crossTarget?.flags(isClang: isClang) ?? [] }

  var isClang: Bool { version.contains("clang") }

  /// The name a person would type: without its folder if that is where `PATH` leads.
  var name: String {
    guard path.contains("/") else { return path }
    let name = URL(fileURLWithPath: path).lastPathComponent
    return SearchPath.standard.first(named: name) == path ? name : path
  }

  /// One line that builds the library from the folder of its sources, for anybody to run.
  ///
  /// - Parameters:
  ///   - sources: file names, relative to their folder.
  ///   - output: the library's name.
  ///   - includeFolder: a further folder of headers, if the sources need one.
  /// - Throws: `ToolchainError.unsupportedTarget`.
  public func commandLine(
    sources: [String], output: String, includeFolder: String? = nil,
    options: CompileOptions = CompileOptions()
  ) throws(ToolchainError) -> String {
    let flags = try compileFlags(options, includeFolder)
    return line(flags + sharedFlags + linkFlags(options), sources, output)
  }

  /// The same line for the usual compiler on the usual machine, clang on x86-64 Linux, wherever it
  /// is asked for: for machines that have none, and for files that are checked in.
  ///
  /// - Throws: `ToolchainError.unsupportedTarget` if there is no such target at all.
  public static func portableCommandLine(
    sources: [String], output: String, options: CompileOptions = CompileOptions()
  ) throws(ToolchainError) -> String {
    let usual = CCompiler(path: "clang", version: "clang", openMPFlags: ["-fopenmp"])
    let flags = try usual.compileFlags(options, nil, machine: options.usualMachine)
    return usual.line(flags + ["-shared"] + usual.linkFlags(options), sources, output)
  }

  private func line(_ flags: [String], _ sources: [String], _ output: String) -> String {
    let words = [name] + flags + ["-o", output] + sources + ["-lm"]
    return words.map(ShellWord.quoted).joined(separator: " ")
  }

  /// The flags that decide what a source compiles to.
  func compileFlags(
    _ options: CompileOptions, _ includeFolder: String?, machine: String? = nil
  ) throws(ToolchainError) -> [String] {
    let targetFlag = try options.targetFlag(machine: machine ?? architecture)
    return crossFlags + ["-std=c11"] + options.optimisationFlags + [targetFlag]
      + (openMPFlags ?? []).filter { !Self.isLinkFlag($0) }
      + [isClang ? "-ffp-contract=on" : "-ffp-contract=fast"]
      + ["-fno-math-errno", "-fno-trapping-math", "-fPIC", "-Wall", "-Wextra"]
      + (openMPFlags == nil ? ["-Wno-unknown-pragmas"] : [])
      + (includeFolder.map { ["-I", $0] } ?? [])
  }

  func linkFlags(_ options: CompileOptions) -> [String] {
    (openMPFlags ?? []).filter(Self.isLinkFlag)
      + (options.sanitize && isClang ? ["-shared-libasan"] : [])
  }

  /// What makes a library. One of gcc's stays loaded when it is closed: the threads of its OpenMP go
  /// on to wait for work in code that would be gone.
  var sharedFlags: [String] {
    #if canImport(Darwin)
      crossTarget == nil ? ["-dynamiclib"] : ["-shared"]
    #else
      ["-shared"] + (isClang ? [] : ["-Wl,-z,nodelete"])
    #endif
  }

  private static func isLinkFlag(_ flag: String) -> Bool {
    flag.hasPrefix("-L") || flag.hasPrefix("-l") || flag.hasPrefix("-Wl,")
  }
}
