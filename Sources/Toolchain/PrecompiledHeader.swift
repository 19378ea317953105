import Foundation

/// The header of the machine's vector instructions, which clang reads once for many files: of most of a model's it is
/// more than half of what there is to do.
///
/// Objects are the same with it and without. gcc goes without.
public final class PrecompiledHeader: @unchecked Sendable {
  private let folder: URL
  private let lock = NSLock()
  // Guarded by the lock. Of a compiler, its flags and what a source begins with.
  private var states: [[String]: State] = [:]

  private enum State {
    case askedFor
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

  /// What a source says of what system headers are to declare, as `#define _DEFAULT_SOURCE 1` does: they look for it
  /// at their first include, so that this header has to begin with it too.
  public static func features(of source: String) -> [String] {
    source.split(separator: "\n").filter { $0.hasPrefix("#define _") }.map(String.init)
  }

  /// What has the compiler start with it, beside the flags that decide what a source compiles to; nothing
  /// where it has none.
  ///
  /// Of what is asked for once it would be no gain: who asks second makes it, and nobody waits for that.
  func flags(
    for compiler: CCompiler, _ flags: [String], source: URL, _ supervision: Supervision
  ) -> [String] {
    guard compiler.isClang, let text = try? String(contentsOf: source, encoding: .utf8) else {
      return []
    }
    let features = Self.features(of: text)
    let words = [compiler.path] + flags + features
    let known = lock.withLock {
      let known = states[words]
      switch known {
      case nil: states[words] = .askedFor
      case .askedFor: states[words] = .beingMade
      case .beingMade, .made: break
      }
      return known
    }
    switch known {
    case .made(let path): return Self.flags(path)
    case nil, .beingMade: return []
    case .askedFor: break
    }
    let path = make(compiler, flags, features, supervision)
    lock.withLock { states[words] = .made(path: path) }
    return Self.flags(path)
  }

  private static func flags(_ path: String?) -> [String] {
    path.map { ["-include-pch", $0] } ?? []
  }

  private func make(
    _ compiler: CCompiler, _ flags: [String], _ features: [String], _ supervision: Supervision
  ) -> String? {
    let header = folder.appendingPathComponent("vectors-\(UUID().uuidString).h")
    let path = header.path + ".pch"
    let arguments = flags + ["-x", "c-header", header.path, "-o", path]
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data((features + [Self.text]).joined(separator: "\n").utf8).write(to: header)
      let outcome = try Subprocess(
        executable: compiler.path, arguments: arguments, supervision: supervision
      ).run()
      return outcome.status == 0 ? path : nil
    } catch {
      return nil
    }
  }
}
