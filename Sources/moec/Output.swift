import ArgumentParser
import Foundation
import ModelRuntime

/// Prints without waiting for a line or a block to fill, so that a pipe sees it at once.
func printNow(_ text: String) throws {
  do {
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  } catch {
    throw FileError(operation: "write", path: "standard output", error)
  }
}

/// Prints lines that are not the command's result; there is nobody to tell if that fails.
func printToStandardError(_ text: String) {
  try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
}

/// Turns whatever goes wrong into one line, a hint, and exit code 1.
func reportingErrors(_ work: () throws -> Void) throws {
  do {
    try work()
  } catch let error as any ExplainedError {
    printToStandardError("error: \(onOneLine(error.message))")
    printToStandardError("hint: \(onOneLine(error.hint))")
    throw ExitCode.failure
  } catch let error as CompilationError {
    printToStandardError(error.text)
    throw ExitCode.failure
  }
}

/// Names come from files that anybody may have written: control characters are shown as escapes.
private func onOneLine(_ text: String) -> String {
  var line = ""
  for scalar in text.unicodeScalars {
    let isControl = scalar.properties.generalCategory == .control
    line += isControl ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return line
}
