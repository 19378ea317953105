import Foundation
import ModelFixtures
import Testing

private let hasPython = (try? Command.shell("python3 -c 'import pty'").status) == 0

/// `run --interactive` on a terminal.
@Suite(.enabled(if: hasPython, "python3 is not here")) struct PromptTests {
  /// Types on a terminal: each text after the prompt that it waits for.
  private static let terminal = """
    import os, pty, select, sys, time
    typed = [bytes(text, "utf8").decode("unicode_escape").encode() for text in sys.argv[1].split("|")]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    seen, end = b"", time.time() + 60
    prompts = 0
    while time.time() < end:
        ready = select.select([terminal], [], [], 0.2)[0]
        if ready:
            try: piece = os.read(terminal, 4096)
            except OSError: break
            if not piece: break
            seen += piece
        if typed and seen.count(b"> ") > prompts:
            prompts = seen.count(b"> ")
            time.sleep(0.2)
            os.write(terminal, typed.pop(0))
    status = os.waitpid(child, 0)[1]
    sys.stdout.write(seen.decode("utf8", "replace"))
    sys.stderr.write(str(os.waitstatus_to_exitcode(status)))
    """

  private func type(_ typed: String) throws -> Command {
    let folder = try ModelFixture.folder()
    try Self.terminal.write(toFile: "\(folder)/t.py", atomically: true, encoding: .utf8)
    try String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
      .write(toFile: "\(folder)/text", atomically: true, encoding: .utf8)
    return try Command.shell(
      "exec python3 t.py \"$1\" \"$0\" run \"$2\" --generate --data text --interactive --tokens 5",
      [typed, try ModelFixture.bigram()], in: folder)
  }

  @Test func controlCLeavesAtOnce() throws {
    let result = try type("\\x03")
    #expect(result.errors == "130", "\(result.output)")
    #expect(result.output.contains("Ctrl-C"))
  }

  @Test func controlDLeaves() throws {
    let result = try type("\\x04")
    #expect(result.errors == "0", "\(result.output)")
  }

  /// A text is written for each line, and leaving is as easy after one as before.
  @Test func linesAreAnswered() throws {
    let result = try type("abc\\n|bad\\n|\\x03")
    #expect(result.errors == "130", "\(result.output)")
    #expect(result.output.components(separatedBy: "> ").count == 4, "\(result.output)")
  }
}
