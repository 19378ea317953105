import Foundation
import SystemFiles

/// Why a file cannot be used as a compiled model.
public enum LibraryError: ExplainedError, Equatable {
  /// It is not there, or not to be read.
  case unreadable(FileError)
  /// The system's loader does not take it.
  case notALibrary(path: String, reason: String)
  /// It was compiled with checks whose runtime, of this name, must be loaded before the process itself.
  case needsSanitizer(path: String, runtime: String)
  /// It is a library, but lacks functions that every compiled model has.
  case notAModel(path: String, missing: [String])
  /// It was compiled for another version of the interface.
  case otherVersion(path: String, found: Int, expected: Int)
  /// It was compiled for more than this processor has.
  case otherProcessor(path: String, feature: String)
  /// Its description of itself cannot be used.
  case badManifest(path: String, reason: String)

  public var message: String {
    switch self {
    case .unreadable(let error):
      return error.message
    case .notALibrary(let path, let reason):
      return "\(path) is not a library: \(reason)"
    case .needsSanitizer(let path, let runtime):
      return "\(path) was compiled with --sanitize: \(runtime) must be loaded before moec"
    case .notAModel(let path, let missing):
      return
        "\(path) is a library but not a moec model: it lacks \(missing.joined(separator: ", "))"
    case .otherVersion(let path, let found, let expected):
      return "\(path) has version \(found) of the model interface, not \(expected)"
    case .otherProcessor(let path, let feature):
      return "\(path) was compiled for a processor with \(feature), which this one has not"
    case .badManifest(let path, let reason):
      return "the manifest of \(path) cannot be used: \(reason)"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error) where error.code == ENOENT && !error.path.isEmpty:
      return
        "\(error.hint), or make it: moec compile MODEL.swift -o \(ShellWord.quoted(error.path))"
    case .unreadable(let error): return error.hint
    case .notALibrary: return "make one with: moec compile MODEL.swift -o LIB.so"
    case .needsSanitizer(_, let runtime):
      return
        "install the C compiler's sanitizers; ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=\(runtime) moec …"
    case .notAModel: return "make a model with: moec compile MODEL.swift -o LIB.so"
    case .otherProcessor:
      return "compile the model here, or with --target for the oldest processor it must run on"
    case .otherVersion, .badManifest: return "compile the model again with this moec"
    }
  }
}
