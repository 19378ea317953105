import Foundation

/// The header of the machine's vector instructions, which clang reads once for many files: of most of a model's it is
/// more than half of what there is to do.
///
/// Objects are the same with it and without, of sources that it fits. gcc goes without.
public final class PrecompiledHeader: @unchecked Sendable {
  private let folder: URL
  private let lock = NSLock()
  // Guarded by the lock. Of a compiler and its flags.
  private var states: [[String]: State] = [:]

  private enum State {
    case beingMade
    /// Nil where it could not be made.
    case made(path: String?)
  }

  /// - Parameter folder: where it may lie for as long as it is used; made when it is.
  public init(in folder: URL) { self.folder = folder }

  private static let text = """
    #if defined(__AVX2__)
    #include <immintrin.h>
    #elif defined(__ARM_NEON) && defined(__aarch64__)
    #include <arm_neon.h>
    #endif

    """

  /// Whether a source may start with it: not if it says what system headers are to declare, as `_DEFAULT_SOURCE` does,
  /// which they read at their first include.
  static func fits(_ source: URL) -> Bool {
    guard let text = try? String(contentsOf: source, encoding: .utf8) else { return false }
    return !text.split(separator: "\n").contains { $0.hasPrefix("#define _") }
  }

  /// What has the compiler start with it, beside the flags that decide what a source compiles to; nothing
  /// where it has none. Who asks first makes it; nobody waits for that.
  func flags(for compiler: CCompiler, _ flags: [String], _ supervision: Supervision) -> [String] {
    guard compiler.isClang else { return [] }
    let words = [compiler.path] + flags
    let known = lock.withLock {
      let known = states[words]
      states[words] = known ?? .beingMade
      return known
    }
    switch known {
    case .made(let path): return Self.flags(path)
    case .beingMade: return []
    case nil: break
    }
    let path = make(compiler, flags, supervision)
    lock.withLock { states[words] = .made(path: path) }
    return Self.flags(path)
  }

  private static func flags(_ path: String?) -> [String] {
    path.map { ["-include-pch", $0] } ?? []
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
