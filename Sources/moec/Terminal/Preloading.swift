import Foundation
import Toolchain

/// Begins moec anew, with a library that must be loaded before it.
enum Preloading {
  /// Set for the second begin, so that there is no third.
  private static let mark = "MOEC_PRELOADED"

  /// Does not return where it succeeds.
  static func run(with runtime: String) {
    guard getenv(mark) == nil else { return }
    setenv(mark, runtime, 1)
    let others = ProcessInfo.processInfo.environment["LD_PRELOAD"].map { ":" + $0 } ?? ""
    setenv("LD_PRELOAD", path(of: runtime) + others, 1)
    // Swift's own runtime keeps what it has to the end; the options of a person come last and win.
    let options = ProcessInfo.processInfo.environment["ASAN_OPTIONS"].map { ":" + $0 } ?? ""
    setenv("ASAN_OPTIONS", "detect_leaks=0" + options, 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }

  /// The loader finds gcc's runtime by its name; clang's lies in clang's own folder.
  private static func path(of runtime: String) -> String {
    guard runtime.contains("clang_rt"), let choice = try? CCompilerSearch().choose() else {
      return runtime
    }
    return choice.compiler.sanitizerRuntime() ?? runtime
  }
}
