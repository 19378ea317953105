import ArgumentParser
import Driver
import Foundation
import ModelRuntime
import SystemFiles

/// Prints without waiting for a line or a block to fill, so that a pipe sees it at once.
func printNow(_ text: String) throws {
  do {
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  } catch {
    throw OutputError(FileError(operation: "write", path: "standard output", error))
  }
}

/// The same for a table or lines that a person reads: on a terminal no wider than that is.
func printTable(_ text: String) throws {
  let columns = Terminal.columns(STDOUT_FILENO)
  try printNow(columns.map { Wrapping.table(text, columns: $0) } ?? text)
}

/// Nobody takes what is printed.
struct OutputError: ExplainedError {
  let file: FileError

  init(_ file: FileError) { self.file = file }

  var message: String { file.message }
  var hint: String {
    file.code == EBADF ? "standard output is closed: give it somewhere to go" : file.hint
  }
}

/// Prints what a long run shows. Where nobody takes it any more, as behind `| head -1` or on a full
/// disk, that is said once, and the run goes on.
final class PatientOutput {
  private var isBroken = false

  /// From now on a reader that goes away is an error of writing, not the end of the process.
  init() { signal(SIGPIPE, SIG_IGN) }

  /// A line that a person reads: on a terminal no wider than that is.
  func printLine(_ text: String) {
    print(Wrapping.text(text, columns: Terminal.columns(STDOUT_FILENO) ?? .max) + "\n")
  }

  func print(_ text: String) {
    do {
      try printNow(text)
    } catch let error as OutputError {
      if !isBroken { printToStandardError("note: \(error.message); the run goes on") }
      isBroken = true
    } catch {
      isBroken = true
    }
  }
}

/// Opens what is closed of standard input, output and errors, so that no file of ours takes its number
/// and with it what is printed.
func openStandardDescriptors() {
  for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
    // Printing then fails as it did, instead of vanishing.
    let mode = descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR
    _ = open("/dev/null", mode)
  }
}

/// Whether a signal is not ignored, as whoever started us may have wanted.
func endsBy(_ number: Int32) -> Bool {
  var action = sigaction()
  sigaction(number, nil, &action)
  #if canImport(Darwin)
    let handler = action.__sigaction_u.__sa_handler
  #else
    let handler = action.__sigaction_handler.sa_handler
  #endif
  return unsafeBitCast(handler, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self)
}

/// Lets all signals through. Programs that start others from a thread of their own often block signals
/// there, and so for what they start, which then could not be ended.
func unblockSignals() {
  var none = sigset_t()
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, nil)
}

/// Prints lines that are not the command's result; there is nobody to tell if that fails.
func printToStandardError(_ text: String) {
  try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
}

/// Turns whatever goes wrong into one line, a hint, and exit code 1.
func reportingErrors(_ work: () throws -> Void) throws {
  // A file that grows past `ulimit -f` is then an error that we can report, not our death.
  signal(SIGXFSZ, SIG_IGN)
  do {
    try work()
  } catch let error as any ExplainedError {
    if case LibraryError.needsSanitizer(_, let runtime) = error { Preloading.run(with: runtime) }
    printToStandardError("error: \(onOneLine(error.message))")
    printToStandardError("hint: \(onOneLine(error.hint))")
    throw ExitCode.failure
  } catch let error as CompilationError {
    printToStandardError(error.text)
    throw ExitCode.failure
  }
}

/// Names come from files that anybody may have written: control characters are shown as escapes.
func onOneLine(_ text: String) -> String {
  var line = ""
  for scalar in text.unicodeScalars {
    let isControl = scalar.properties.generalCategory == .control
    line += isControl ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return line
}
