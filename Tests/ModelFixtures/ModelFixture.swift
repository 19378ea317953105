import Foundation

/// Small libraries for tests, each compiled once in a test run and gone after it.
public enum ModelFixture {
  /// A model that is right: 12 characters, context 8, batch 4, parameters `token` [12, 6] and
  /// `expert.weight` [2, 12, 6].
  public static func bigram() throws -> String { try built["bigram", orThrow: ()] }

  /// The same with 40 characters.
  public static func wide() throws -> String { try built["wide", orThrow: ()] }

  /// The same with 320 tokens: bytes and some merges.
  public static func subword() throws -> String { try built["subword", orThrow: ()] }

  /// The same with a router, whose experts share all tokens.
  public static func routed() throws -> String { try built["routed", orThrow: ()] }

  /// The same, but all tokens choose the first expert.
  public static func lopsided() throws -> String { try built["lopsided", orThrow: ()] }

  /// A library that is wrong in one way; see `switches`.
  public static func broken(_ name: String) throws -> String { try built[name, orThrow: ()] }

  /// The text of a model that needs no more than a few lines.
  public static let source = """
    import MoE
    let V = Axis("V", 12), T = Axis("T", 8), B = Axis("B", 2), C = Axis("C", 6)
    LanguageModel("small", vocabulary: V, context: T, batch: B) { text in
      text.tokens.embedding("token", C).linear("head", V)
    }

    """

  /// What each library is compiled with.
  static let switches: [String: [String]] = [
    "bigram": [],
    "wide": ["-DVOCABULARY=40"],
    "basic": ["-DBASIC"],
    "subword": ["-DVOCABULARY=320"],
    "routed": ["-DROUTER=1"],
    "lopsided": ["-DROUTER=0"],
    "version": ["-DABI=2"],
    "old-version": ["-DABI=0", "-DNO_ERROR_FUNCTION"],
    "no-error-function": ["-DNO_ERROR_FUNCTION"],
    "other-processor": ["-DMISSING=\"avx1024\""],
    "no-manifest": ["-DMANIFEST=0"],
    "manifest-no-json": ["-DMANIFEST=\"{\\\"abi\\\":\""],
    "manifest-no-name": ["-DMANIFEST=\"{\\\"abi\\\":1}\""],
    "manifest-version": ["-DMANIFEST_ABI=\"7\""],
    "no-memory": ["-DNO_MEMORY"],
    "diverges": ["-DDIVERGES=3"],
    "not-a-model": ["-Dmoec_abi=a", "-Dmoec_error=b", "-Dmoec_manifest=c"],
  ]

  private static let built = Libraries()

  /// An empty folder that is removed when the tests end.
  public static func folder() throws -> String {
    let folder = root.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.path
  }

  /// A new file with these bytes; its path.
  public static func file(
    _ bytes: [UInt8], named name: String = "file.safetensors"
  ) throws -> String {
    let path = try folder() + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// All that tests write, under one folder of this process.
  static let root: URL = {
    let root = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-tests-\(ProcessInfo.processInfo.processIdentifier)")
    atexit { try? FileManager.default.removeItem(at: ModelFixture.root) }
    return root
  }()
}

/// Libraries by name, each compiled when it is first asked for.
private final class Libraries: @unchecked Sendable {
  private let lock = NSLock()
  private var paths: [String: String] = [:]

  subscript(name: String, orThrow _: Void) -> String {
    get throws {
      try lock.withLock {
        if let path = paths[name] { return path }
        let path = try compile(name)
        paths[name] = path
        return path
      }
    }
  }

  private func compile(_ name: String) throws -> String {
    guard let switches = ModelFixture.switches[name] else {
      throw FixtureError(text: "there is no fixture \(name)")
    }
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let header = tests.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/CModelABI/include")
    let library = URL(fileURLWithPath: try ModelFixture.folder())
      .appendingPathComponent("\(name).so")
    let arguments =
      ["-std=c11", "-O1", "-fPIC", "-shared", "-I", header.path] + switches
      + [tests.appendingPathComponent("bigram.c").path, "-o", library.path, "-lm"]
    var reasons: [String] = []
    for compiler in ["clang", "gcc"] {
      let result = try Command.run("/usr/bin/env", [compiler] + arguments)
      if result.status == 0 { return library.path }
      reasons.append("\(compiler): \(result.errors)")
    }
    throw FixtureError(text: "no C compiler could make \(name): \(reasons)")
  }
}

/// A fixture could not be made.
public struct FixtureError: Error, CustomStringConvertible {
  let text: String
  public var description: String { text }
}
