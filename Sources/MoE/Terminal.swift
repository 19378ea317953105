import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the process of a model.swift does with the world: errors out, graph out.
enum Terminal {
  /// Prints errors on standard error and ends the process with 1.
  static func fail(_ diagnostics: [Diagnostic]) -> Never {
    _ = write(diagnostics.map { "\($0)\n" }.joined(), to: 2)
    exit(1)
  }

  /// The descriptor after `--graph-descriptor`, standard output without it, nil if it is no number.
  static func graphDescriptor(_ arguments: [String] = CommandLine.arguments) -> Int32? {
    guard let flag = arguments.firstIndex(of: "--graph-descriptor") else { return 1 }
    guard flag + 1 < arguments.count else { return nil }
    return Int32(arguments[flag + 1]).flatMap { $0 >= 0 ? $0 : nil }
  }

  /// Writes all of a text, whatever the size of a pipe; false if the other side does not take it.
  static func write(_ text: String, to descriptor: Int32) -> Bool {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { Self.write(descriptor, $0) }
      if count > 0 { done += count } else if count == 0 || errno != EINTR { return false }
    }
    return true
  }

  private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #elseif canImport(Musl)
      Musl.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }
}
