import ArgumentParser
import Foundation
import SystemFiles
import Words

/// `moec doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Says what moec uses of this machine, what is there, and what installs the rest.",
    discussion: """
      Ends with 0 if models can be compiled here, and with 1 if something needed is missing.

      EXAMPLES
        moec doctor
        moec doctor --json > doctor.json
      """)

  @Flag(help: "Print everything as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "End a program that takes longer to say which it is.", valueName: "seconds"))
  var timeLimit = 15.0

  func validate() throws {
    guard timeLimit > 0, timeLimit <= 1e9 else {
      throw ValidationError("--time-limit must be a number of seconds above 0, not \(timeLimit)")
    }
  }

  func run() throws {
    try reportingErrors {
      let checkup = Checkup.run(limit: timeLimit)
      try printNow(
        json ? try checkup.json() : checkup.text(columns: Terminal.columns(STDOUT_FILENO) ?? 80))
      if !checkup.isWell { throw ExitCode.failure }
    }
  }
}

extension Checkup {
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// A table; what is missing has the command that installs it on a line of its own.
  func text(columns: Int) -> String {
    let wrapped = { (text: String) in Wrapping.text(text, columns: columns) }
    var lines = ["moec \(moec)", "", "needed"]
    lines += needed.flatMap { $0.lines(columns) }
    lines += ["", wrapped("C compilers, in the order in which they are tried")]
    lines += compilers.isEmpty ? ["     none"] : compilers.flatMap { $0.lines(columns) }
    lines += ["", "useful"] + useful.flatMap { $0.lines(columns) }
    if !notes.isEmpty { lines += [""] + notes.map(wrapped) }
    let missing = (needed + useful).count { $0.state != .found }
    lines += ["", wrapped(verdict(missing))]
    return lines.joined(separator: "\n") + "\n"
  }

  private func verdict(_ missing: Int) -> String {
    guard isWell else { return "models cannot be compiled here: see what is needed above" }
    return missing == 0 ? "everything is here" : "models can be compiled and trained here"
  }
}

extension Checkup.Finding {
  fileprivate func lines(_ columns: Int) -> [String] {
    let mark =
      switch state {
      case .found: "ok"
      case .missing: "--"
      case .broken: "!!"
      }
    let version = self.version.flatMap(Checkup.number(in:)) ?? ""
    let row = Wrapping.table(
      "  \(mark) \(name.padded(to: 15))\(version.padded(to: 10))\(purpose)",
      columns: max(columns, 20))
    let start = String(repeating: " ", count: columns < 60 ? 6 : 20)
    // A command is one line, to be copied.
    let notes = note.map { Wrapping.lines(of: $0, columns: min(columns, 80) - start.count) } ?? []
    let verb = name == "TMPDIR" ? "to mend" : "to install"
    return [row] + (notes + (install.map { ["\(verb): \($0)"] } ?? [])).map { start + $0 }
  }
}
