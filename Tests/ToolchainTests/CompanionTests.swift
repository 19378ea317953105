import Foundation
import Testing

@testable import Toolchain

/// A program that is spoken with, line by line.
@Suite struct CompanionTests {
  private func shell(_ script: String) throws -> Companion {
    try Companion("/bin/sh", ["-c", script])
  }

  @Test func linesGoThereAndComeBack() throws {
    let echo = try shell("while read -r line; do echo \"<$line>\"; done; printf end")
    for text in ["one", "two words", String(repeating: "x", count: 100_000)] {
      #expect(echo.write(text))
      #expect(echo.read(seconds: 20) == .line("<\(text)>"))
    }
    #expect(echo.read(seconds: 0.01) == .nothing)
    #expect(echo.wait() == 0 && echo.wait() == 0)
  }

  @Test func theEndIsSeenAndItsStatus() throws {
    let short = try shell("echo a; echo b; exit 3")
    #expect(short.read() == .line("a") && short.read() == .line("b"))
    #expect(short.read() == .end && short.read() == .end)
    #expect(short.wait() == 3)
    #expect(try shell("kill -9 $$").wait() == 137)
  }

  @Test func canBeAskedToEnd() throws {
    let polite = try shell("trap 'echo bye; exit 7' TERM; echo here; while :; do sleep 0.05; done")
    #expect(polite.read(seconds: 20) == .line("here"))
    polite.interrupt()
    #expect(polite.read(seconds: 20) == .line("bye"))
    #expect(polite.wait() == 7)
    polite.interrupt()
  }

  @Test func isEndedWithAllThatItStarted() throws {
    let marked = try shell("sleep 300 & echo $!; wait")
    guard case .line(let number) = marked.read(seconds: 20), let child = Int32(number) else {
      Issue.record("no number")
      return
    }
    #expect(kill(child, 0) == 0)
    marked.end()
    marked.end()
    // What is over is gone as soon as whoever inherits it has looked.
    for _ in 0..<500 where kill(child, 0) == 0 && !isOver(child) { usleep(10_000) }
    #expect(kill(child, 0) != 0 || isOver(child))
  }

  private func isOver(_ process: pid_t) -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    return status?.contains(") Z ") ?? true
  }

  @Test func whatIsNotThereCannotBeStarted() {
    for name in ["/nowhere/program", "no-such-program-anywhere"] {
      #expect(throws: ToolchainError.cannotStart(program: name, code: ENOENT)) {
        try Companion(name, [])
      }
    }
  }
}
