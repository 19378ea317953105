import Foundation

/// Facts about the machine that compiled code depends on.
enum Machine {
  /// `x86_64`, `aarch64`, or macOS's `arm64`.
  static let architecture: String = {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: &name.machine) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }()

  /// The instruction sets of this processor: what `-march=native` stands for. A home folder shared
  /// by two machines must not serve one the other's library.
  static let processor: String = {
    #if canImport(Darwin)
      var size = 0
      sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
      var bytes = [UInt8](repeating: 0, count: max(size, 1))
      sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0)
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      let names = ["model name", "flags", "CPU part", "Features"]
      let lines = text.split(separator: "\n\n").first?.split(separator: "\n") ?? []
      return lines.filter { line in names.contains { line.hasPrefix($0) } }.joined(separator: "\n")
    #endif
  }()

  /// How the file name of a shared library ends.
  static var libraryExtension: String {
    #if canImport(Darwin)
      "dylib"
    #else
      "so"
    #endif
  }
}
