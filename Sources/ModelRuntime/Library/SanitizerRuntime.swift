import Foundation
import SystemFiles

/// The runtime of a library compiled with checks of addresses: it must be loaded before all else of a
/// process, which it ends otherwise.
enum SanitizerRuntime {
  private static let names = ["libasan.so", "libclang_rt.asan"].map { [0] + Array($0.utf8) }

  /// The name by which a library asks the loader for it, if that would come too late.
  static func missing(for file: InputFile) throws(FileError) -> String? {
    #if os(Linux)
      // Names of needed libraries stand before the code.
      let head = try file.bytes(0..<min(file.size, 1 << 20))
      let name = names.lazy.compactMap { text(after: $0, in: head) }.first
      return name == nil || isLoaded ? nil : name
    #else
      return nil
    #endif
  }

  /// The text that begins so, up to its terminating 0.
  private static func text(after mark: [UInt8], in bytes: [UInt8]) -> String? {
    guard let place = Data(bytes).range(of: Data(mark)) else { return nil }
    return String(decoding: bytes[(place.lowerBound + 1)...].prefix { $0 != 0 }, as: UTF8.self)
  }

  private static var isLoaded: Bool {
    guard let all = dlopen(nil, RTLD_LAZY) else { return false }
    defer { dlclose(all) }
    return dlsym(all, "__asan_init") != nil
  }
}
