import CModelABI
import Foundation
import SystemFiles

/// A compiled model's library, loaded and checked; the code from which `Model`s are made.
///
/// A library stays loaded for the life of the process: its threads may outlive every model.
public final class ModelLibrary: Sendable {
  public let path: String
  public let manifest: Manifest
  let functions: ModelFunctions

  /// The version of the interface that this runtime speaks.
  public static let interfaceVersion = Int(MOEC_ABI)

  /// Loads a library. Errors: no such file, no library, no model, another version, a manifest
  /// that cannot be used.
  public init(path: String) throws(LibraryError) {
    let absolute = URL(fileURLWithPath: path).path
    try ModelLibrary.checkFile(path)
    Processors.mendEnvironment()
    guard let handle = dlopen(absolute, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "the loader does not say why"
      throw .notALibrary(path: path, reason: ModelLibrary.shortened(reason, path: absolute))
    }
    try ModelLibrary.checkVersion(handle, path)
    try ModelLibrary.checkProcessor(handle, path)
    functions = try ModelFunctions(handle, path: path)
    guard let json = functions.manifest() else {
      throw .badManifest(path: path, reason: "there is none")
    }
    do {
      manifest = try Manifest.decode(String(cString: json))
    } catch {
      throw .badManifest(path: path, reason: error.reason)
    }
    guard manifest.abi == ModelLibrary.interfaceVersion else {
      throw .badManifest(path: path, reason: "it is for version \(manifest.abi) of the interface")
    }
    self.path = path
  }

  /// The loader maps what a header promises and dies at the first page that is not there, so a
  /// file cut short is found here.
  private static func checkFile(_ path: String) throws(LibraryError) {
    let file: InputFile
    let (reason, runtime): (String?, String?)
    do {
      file = try InputFile(path: path)
      reason = try ObjectFile.defect(of: file)
      runtime = try SanitizerRuntime.missing(for: file)
    } catch {
      throw .unreadable(error)
    }
    if let reason { throw .notALibrary(path: path, reason: reason) }
    if let runtime { throw .needsSanitizer(path: path, runtime: runtime) }
  }

  /// The version is looked at first: a library of another version may well lack other functions.
  private static func checkVersion(
    _ handle: UnsafeMutableRawPointer, _ path: String
  ) throws(LibraryError) {
    guard let symbol = dlsym(handle, "moec_abi") else { return }
    let version = unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)()
    guard Int(version) == interfaceVersion else {
      throw .otherVersion(path: path, found: Int(version), expected: interfaceVersion)
    }
  }

  /// Asked before anything else is called, which an older processor might not survive.
  private static func checkProcessor(
    _ handle: UnsafeMutableRawPointer, _ path: String
  ) throws(LibraryError) {
    guard let symbol = dlsym(handle, "moec_missing_feature") else { return }
    typealias Function = @convention(c) () -> UnsafePointer<CChar>?
    guard let missing = unsafeBitCast(symbol, to: Function.self)() else { return }
    throw .otherProcessor(path: path, feature: String(cString: missing))
  }

  private static func shortened(_ reason: String, path: String) -> String {
    let prefix = path + ": "
    return reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason
  }
}
