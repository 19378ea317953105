import Foundation

/// Another processor than this machine's, for which a C compiler here can build: arm64 Linux.
///
/// A clang of this machine does if the target's headers and linker are installed; gcc has a
/// compiler of its own for each target, which brings an OpenMP runtime too.
struct CrossTarget: Sendable, Hashable, Codable {
  /// `aarch64`, as `uname` has it on the target.
  let architecture: String

  /// Nil if `options` ask for what the compilers of `machine` build anyway, or for what cannot be
  /// built there at all.
  init?(_ options: CompileOptions, machine: String = Machine.architecture) {
    guard options.target == "aarch64", machine != "aarch64", machine != "arm64" else { return nil }
    architecture = options.target
  }

  /// The target's name among compilers.
  var triple: String { "\(architecture)-linux-gnu" }

  /// Debian's and Ubuntu's package of gcc for the target.
  var compilerPackage: String { "gcc-\(architecture)-linux-gnu" }

  /// What a compiler must be told to build for the target.
  func flags(isClang: Bool) -> [String] { isClang ? ["--target=\(triple)"] : [] }

  /// Nil if `library` is for the target, else what is wrong with it.
  func defect(of library: URL) -> String? {
    guard let data = try? Data(contentsOf: library), data.count > 20,
      data.prefix(4) == Data("\u{7F}ELF".utf8)
    else { return "what it writes is no Linux library" }
    // e_machine, little-endian, of the ELF header; 183 is EM_AARCH64.
    let machine = Int(data[18]) | Int(data[19]) << 8
    return machine == 183 ? nil : "it builds for another processor"
  }

  /// No compiler of `tried` builds for the target.
  func noCompiler(tried: [String]) -> ToolchainError {
    let names = tried.isEmpty ? ["clang", "\(triple)-gcc"] : tried
    return .unsupportedTarget(
      name: architecture,
      reason: "no C compiler here builds for it (tried \(names.joined(separator: ", ")))",
      hint: "install \(compilerPackage) and libc6-dev-arm64-cross (Debian, Ubuntu), or name a "
        + "cross compiler with --cc PATH")
  }
}
