/// What a library is compiled for.
public struct CompileOptions: Sendable, Hashable {
  /// `native`, an x86-64 level (`x86-64`, `x86-64-v2`, `-v3`, `-v4`), `aarch64` or `apple-m1`.
  ///
  /// Only `aarch64` is also built for on machines of another architecture: see `CrossTarget`.
  public var target: String
  /// Whether the library checks addresses and undefined behaviour as it runs (slow).
  public var sanitize: Bool

  /// How much the compiler optimises; results differ by rounding at most.
  public var optimisation = Optimisation.full

  /// The same of kernels, which are compiled once for many models; nil: as everything else.
  public var kernelOptimisation: Optimisation?

  /// Full optimisation for libraries; for those that are soon thrown away less, and sooner done.
  public enum Optimisation: String, Sendable, Hashable {
    case full = "-O3"
    case quick = "-O1"
    case none = "-O0"
  }

  public init(target: String = "native", sanitize: Bool = false) {
    self.target = target
    self.sanitize = sanitize
  }

  /// The names that `--target` takes.
  public static let targets =
    ["native"] + x86Levels + ["aarch64", "apple-m1"]

  private static let x86Levels = ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"]

  /// The flag that selects the target's instructions.
  ///
  /// - Parameter machine: the architecture for which the compiler builds.
  /// - Throws: `ToolchainError.unsupportedTarget` if there is no such target, or not on this
  ///   architecture.
  func targetFlag(machine: String = Machine.architecture) throws(ToolchainError) -> String {
    if target == "native" {
      return machine == "arm64" ? "-mcpu=native" : "-march=native"
    }
    if Self.x86Levels.contains(target) {
      try require(machine == "x86_64", machine)
      return "-march=\(target)"
    }
    guard Self.targets.contains(target) else {
      throw .unsupportedTarget(
        name: target, reason: "there is no such target",
        hint: "the targets are \(Self.targets.joined(separator: ", "))")
    }
    try require(machine == "aarch64" || machine == "arm64", machine)
    return target == "aarch64" ? "-march=armv8-a" : "-mcpu=\(target)"
  }

  /// The architecture on which the target is at home.
  var usualMachine: String {
    switch target {
    case "aarch64": "aarch64"
    case "apple-m1": "arm64"
    default: "x86_64"
    }
  }

  private func require(_ fits: Bool, _ machine: String) throws(ToolchainError) {
    if fits { return }
    throw .unsupportedTarget(
      name: target, reason: "the C compiler here builds for \(machine)", hint: "use --target native"
    )
  }

  /// What kernels are compiled for.
  var ofKernels: CompileOptions {
    var options = self
    options.optimisation = kernelOptimisation ?? optimisation
    return options
  }

  /// Debug information and stops at the first fault, or full optimisation.
  var optimisationFlags: [String] {
    sanitize
      ? [
        "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
      ]
      : [optimisation.rawValue]
  }
}
