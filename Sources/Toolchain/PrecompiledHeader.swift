import Foundation

/// The header of the machine's vector instructions, which clang reads once for many libraries: of small
/// models it is most of what there is to read.
///
/// Objects are the same with it and without. gcc goes without.
public final class PrecompiledHeader: @unchecked Sendable {
  private let folder: URL
  private let lock = NSLock()
  // Guarded by the lock. Of a compiler and its flags; nil where it could not be made.
  private var paths: [[String]: String?] = [:]

  /// - Parameter folder: where it may lie for as long as it is used; made when it is.
  public init(in folder: URL) { self.folder = folder }

  private static let text = """
    #if defined(__AVX2__)
    #include <immintrin.h>
    #elif defined(__ARM_NEON) && defined(__aarch64__)
    #include <arm_neon.h>
    #endif

    """

  /// What has the compiler start with it, beside the flags that decide what a source compiles to; nothing
  /// where it has none.
  func flags(for compiler: CCompiler, _ flags: [String], _ supervision: Supervision) -> [String] {
    guard compiler.isClang else { return [] }
    let words = [compiler.path] + flags
    let path = lock.withLock {
      if let known = paths[words] { return known }
      let path = make(compiler, flags, supervision)
      paths[words] = path
      return path
    }
    return path.map { ["-include-pch", $0] } ?? []
  }

  private func make(
    _ compiler: CCompiler, _ flags: [String], _ supervision: Supervision
  ) -> String? {
    let header = folder.appendingPathComponent("vectors-\(UUID().uuidString).h")
    let path = header.path + ".pch"
    let arguments = flags + ["-x", "c-header", header.path, "-o", path]
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(Self.text.utf8).write(to: header)
      let outcome = try Subprocess(
        executable: compiler.path, arguments: arguments, supervision: supervision
      ).run()
      return outcome.status == 0 ? path : nil
    } catch {
      return nil
    }
  }
}
