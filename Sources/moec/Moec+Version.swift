import ModelRuntime

extension Moec {
  /// `moec --version`: what a report about a problem should begin with.
  static var versionText: String {
    "moec \(version)\nmodel interface \(ModelLibrary.interfaceVersion)\n"
      + "built with Swift \(compiler) for \(processor) \(system)"
  }

  static let version = "0.5.0"

  private static var compiler: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #elseif compiler(>=6.1)
      "6.1"
    #else
      "6.0"
    #endif
  }

  private static var processor: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "another processor"
    #endif
  }

  private static var system: String {
    #if os(macOS)
      "macOS"
    #else
      "Linux"
    #endif
  }
}
