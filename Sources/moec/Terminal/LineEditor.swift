import Foundation

/// A prompt with line editing and history on a terminal, by the system's readline or libedit where
/// there is one, else by the terminal's own line editing.
///
/// While it waits, Ctrl-C leaves the program at once.
final class LineEditor {
  private typealias ReadLine =
    @convention(c) (UnsafePointer<CChar>?) -> UnsafeMutablePointer<CChar>?
  private typealias AddHistory = @convention(c) (UnsafePointer<CChar>?) -> Int32

  private let readLine: ReadLine
  private let addHistory: AddHistory

  private static let libraries = [
    "libreadline.so.8", "libreadline.so.7", "libedit.so.2", "libedit.so.0", "libedit.3.dylib",
  ]

  /// Nil where there is no such library, or no terminal.
  init?() {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
    for name in Self.libraries {
      guard let library = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      guard let read = dlsym(library, "readline"), let add = dlsym(library, "add_history") else {
        continue
      }
      setlocale(LC_CTYPE, "")
      readLine = unsafeBitCast(read, to: ReadLine.self)
      addHistory = unsafeBitCast(add, to: AddHistory.self)
      return
    }
    return nil
  }

  /// The next line; nil at the end of the input.
  func line(prompt: String) -> String? {
    guard let line = readLine(prompt) else { return nil }
    defer { free(line) }
    if line[0] != 0 { _ = addHistory(line) }
    return String(cString: line)
  }
}

/// Ctrl-C at a prompt: the terminal gets back its settings, and the program ends.
enum PromptInterruption {
  /// Written before the handler is there, and only read by it.
  nonisolated(unsafe) private static let settings = {
    let settings = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    settings.initialize(to: termios())
    return settings
  }()

  /// Waits for a line in which Ctrl-C leaves at once.
  static func leaving<Result>(_ wait: () -> Result) -> Result {
    guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, settings) == 0 else { return wait() }
    var (action, old) = (sigaction(), sigaction())
    setHandler(&action)
    sigemptyset(&action.sa_mask)
    sigaction(SIGINT, &action, &old)
    defer { sigaction(SIGINT, &old, nil) }
    return wait()
  }

  private static let handler: @convention(c) (Int32) -> Void = { number in
    tcsetattr(STDIN_FILENO, TCSANOW, PromptInterruption.settings)
    var end: UInt8 = 10
    _ = write(STDOUT_FILENO, &end, 1)
    _exit(128 + number)
  }

  private static func setHandler(_ action: inout sigaction) {
    #if canImport(Darwin)
      action.__sigaction_u.__sa_handler = handler
    #else
      action.__sigaction_handler.sa_handler = handler
    #endif
  }
}
