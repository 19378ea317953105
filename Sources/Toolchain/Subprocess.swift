import Foundation

/// One run of another program: null standard input, output collected, an optional extra pipe.
///
/// Foundation's `Process` cannot hand a further descriptor to the child, so this goes to
/// `posix_spawn` itself. Both pipes are read as they fill, so neither side can block the other.
struct Subprocess {
  /// What a finished program left.
  struct Outcome: Equatable {
    /// The exit status, or 128 + the signal that ended it.
    var status: Int32
    /// Standard output and standard error, in the order written.
    var output: String
    /// What was written to the extra descriptor.
    var extra: Data
  }

  /// The descriptor number under which the child finds the extra pipe.
  static let extraDescriptor: Int32 = 3

  var executable: String
  var arguments: [String]
  var folder: String? = nil
  var hasExtraPipe = false
  /// Variables set beside those of this process.
  var environment: [String: String] = [:]

  func run() throws(ToolchainError) -> Outcome {
    let output = try Pipe.make(for: executable)
    defer { output.close() }
    let extra = hasExtraPipe ? try Pipe.make(for: executable) : nil
    defer { extra?.close() }
    let child = try spawn(output: output, extra: extra)
    output.closeWriteEnd()
    extra?.closeWriteEnd()
    let texts = Pipe.readToEnd([output, extra].compactMap { $0 })
    let status = Self.wait(for: child)
    return Outcome(
      status: status, output: String(decoding: texts[0], as: UTF8.self),
      extra: extra == nil ? Data() : texts[1])
  }

  private static func wait(for child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  private func spawn(output: Pipe, extra: Pipe?) throws(ToolchainError) -> pid_t {
    let actions = SpawnActions()
    defer { actions.destroy() }
    actions.openNullInput()
    // The extra pipe is moved first: its end may sit on no number that the others go to.
    if let extra { actions.move(extra.writeEnd, to: Self.extraDescriptor) }
    actions.move(output.writeEnd, to: 1)
    actions.move(output.writeEnd, to: 2)

    let (program, words) = commandWords
    let variables = ProcessInfo.processInfo.environment
      .merging(environment) { _, new in new }.map { "\($0.key)=\($0.value)" }
    var child: pid_t = 0
    let code = Self.withCStrings(words) { words in
      Self.withCStrings(variables) { actions.spawn(&child, program, words, $0) }
    }
    guard code == 0 else {
      throw .cannotStart(program: executable, reason: String(cString: strerror(code)))
    }
    return child
  }

  /// The program and its words; a shell changes the folder first, because the call that would do
  /// it within `posix_spawn` is not everywhere.
  private var commandWords: (program: String, words: [String]) {
    guard let folder else { return (executable, [executable] + arguments) }
    let script = "cd \"$1\" && shift && exec \"$@\""
    return ("/bin/sh", ["sh", "-c", script, "sh", folder, executable] + arguments)
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let words: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { words.forEach { free($0) } }
    return body(words + [nil])
  }
}
