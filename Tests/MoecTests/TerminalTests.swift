import Foundation
import ModelFixtures
import Testing

@testable import Driver
@testable import moec

private let hasPython = (try? Command.shell("python3 -c 'import pty'").status) == 0

/// What is printed on a terminal.
@Suite struct TerminalTests {
  /// Runs a program on a terminal of some columns, and prints what it wrote.
  private static let terminal = """
    import fcntl, os, pty, struct, sys, termios
    child, terminal = pty.fork()
    if child == 0:
        size = struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0)
        fcntl.ioctl(1, termios.TIOCSWINSZ, size)
        os.execvp(sys.argv[2], sys.argv[2:])
    seen = b""
    while True:
        try: piece = os.read(terminal, 4096)
        except OSError: break
        if not piece: break
        seen += piece
    os.waitpid(child, 0)
    sys.stdout.write(seen.decode("utf8", "replace").replace("\\r\\n", "\\n"))
    """

  private func shown(_ words: [String], columns: Int, _ variables: String = "") throws -> String {
    let folder = try ModelFixture.folder()
    try Self.terminal.write(toFile: "\(folder)/t.py", atomically: true, encoding: .utf8)
    try FileManager.default.copyItem(
      atPath: "\(Self.repository)/Examples/tiny.swift", toPath: "\(folder)/tiny.swift")
    try String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
      .write(toFile: "\(folder)/text", atomically: true, encoding: .utf8)
    return try Command.shell(
      "\(variables) exec python3 t.py \(columns) \"$0\" \"$@\"", words, in: folder
    ).output
  }

  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  private static let calls: [[String]] =
    HelpTests.entries.map { ["help"] + $0.words.dropFirst() } + [
      ["plot"], ["inspect", "x", "--graph", "wonder"], ["tokenizer", "shard"], ["runn"],
      ["compile", "tiny.swift", "--emit", "wonder"],
    ]

  @Test(
    "Help and wrong usage are no wider than the terminal",
    .enabled(if: hasPython, "python3 is not here"), arguments: calls)
  func fits(words: [String]) throws {
    let text = try shown(words, columns: 60)
    #expect(!text.isEmpty)
    for line in text.split(separator: "\n") where !line.contains("moec ") {
      #expect(line.count <= 60, "\(line)")
    }
    // Those with a command or a usage in them too, but for examples, which are to be copied.
    let usage = text.components(separatedBy: "\nUSAGE: ").last ?? text
    for line in usage.split(separator: "\n") { #expect(line.count <= 60, "\(line)") }
  }

  @Test(
    "Nothing but text goes to a terminal that knows nothing else",
    .enabled(if: hasPython, "python3 is not here"))
  func dumb() throws {
    let words = ["compile", "tiny.swift", "--emit", "plan", "--time-passes"]
    #expect(try !shown(words, columns: 80, "TERM=dumb").contains("\u{1b}"))
    let training = [
      "run", try ModelFixture.bigram(), "--train", "--data", "text", "--no-save",
    ]
    let options = ["--steps", "20000", "--eval-interval", "20000", "--eval-batches", "1"]
    let text = try shown(training + options, columns: 80, "TERM=dumb")
    #expect(text.contains("step 0: ") && !text.contains("\u{1b}"), "\(text)")
  }

  @Test(arguments: [
    (nil, "traced    a/long/way/model.swift: 97 operations                1.50 s"),
    (80, "traced    a/long/way/model.swift: 97 operations                1.50 s"),
    (44, "traced    a/long/way/model.swift:\n          97 operations               1.50 s"),
    (34, "traced    …y/model.swift:\n          97 operations     1.50 s"),
    (5, "traced    …ft:\n          97\n          …ons   1.50 s"),
  ])
  func stages(columns: Int?, line: String) {
    let what = "a/long/way/model.swift: 97 operations"
    #expect(StageLog.line("traced", what, 1.5, columns: columns) == line)
    if let columns, columns > 30 {
      #expect(line.split(separator: "\n").allSatisfy { $0.count <= columns })
    }
  }

  @Test(
    "Tables are no wider than the terminal, where that is possible",
    .enabled(if: hasPython, "python3 is not here"),
    arguments: [["check", "tiny.swift"], ["doctor"], ["compile", "tiny.swift", "--summary"]])
  func tablesFit(words: [String]) throws {
    let text = try shown(words, columns: 40, "TERM=dumb")
    #expect(text.split(separator: "\n").count > 3)
    for line in text.split(separator: "\n") where !line.contains("to install:") {
      #expect(line.count <= 40, "\(line)")
    }
  }

  @Test(
    "What a run says is no wider than the terminal",
    .enabled(if: hasPython, "python3 is not here"), arguments: ["--train", "--evaluate"])
  func runsFit(what: String) throws {
    let steps = what == "--train" ? ["--steps", "2", "--no-save"] : []
    let text = try shown(
      ["run", try ModelFixture.bigram(), what, "--data", "text", "--eval-batches", "1"] + steps,
      columns: 40, "TERM=dumb")
    #expect(text.split(separator: "\n").count > 8)
    // The path of the library is one word.
    for line in text.split(separator: "\n") where line.contains(" ") {
      #expect(line.count <= 40, "\(line)")
    }
  }

  @Test func rowsAreCutBetweenColumns() {
    let text = "run      best val  at step\nmakemoe    1.7089    4,999\nshort"
    #expect(
      Wrapping.table(text, columns: 18)
        == "run      best val\n    at step\nmakemoe    1.7089\n    4,999\nshort")
    #expect(Wrapping.table(text, columns: 80) == text)
    #expect(
      Wrapping.table("  a name of words  b", columns: 12) == "  a name of\n      words\n      b")
  }

  @Test func linesAreCutAtSpaces() {
    let text = "Usage: moec x <a> [--bee <b>]\n  and so on, for long\nverylongwordthatstays"
    #expect(
      Wrapping.text(text, columns: 18)
        == "Usage: moec x <a>\n  [--bee <b>]\n  and so on, for\n    long\nverylongwordthatstays")
  }
}
