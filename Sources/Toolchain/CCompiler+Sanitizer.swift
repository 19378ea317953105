import Foundation

extension CCompiler {
  /// The library that a program must load first to run a library compiled with `sanitize`, for
  /// `LD_PRELOAD` (`DYLD_INSERT_LIBRARIES` on macOS); nil if it is not installed.
  public func sanitizerRuntime() -> String? {
    let outcome = try? Subprocess(
      executable: path, arguments: crossFlags + ["-print-file-name=\(sanitizerRuntimeName)"],
      supervision: .probing
    ).run()
    let answer = outcome?.output.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    // A compiler that has no such file gives the bare name back.
    guard answer.hasPrefix("/"), FileManager.default.fileExists(atPath: answer) else { return nil }
    return SearchPath.resolved(answer)
  }

  private var sanitizerRuntimeName: String {
    #if canImport(Darwin)
      "libclang_rt.asan_osx_dynamic.dylib"
    #else
      isClang ? "libclang_rt.asan-\(architecture).so" : "libasan.so"
    #endif
  }
}
