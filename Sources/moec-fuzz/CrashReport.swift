import Foundation

/// Says which model it was when a library, or moec, ends the program.
enum CrashReport {
  // A handler of signals may not take memory: it writes what lies here.
  nonisolated(unsafe) private static let text = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: size)
    text.initialize(repeating: 0, count: size)
    return text
  }()
  private static let size = 64

  /// Once, before the first model.
  static func begin() {
    text[0] = 0
    for number in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP] {
      signal(number) { number in
        write(2, CrashReport.text, strlen(CrashReport.text))
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  /// The model that is looked at now.
  static func note(seed: UInt64) {
    withVaList([seed]) { _ = vsnprintf(text, size, "seed %llu: wrong: it ended moec-fuzz\n", $0) }
  }
}
