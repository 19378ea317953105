import Foundation
import Synchronization
import Testing

@testable import Toolchain

@Suite struct SubprocessTests {
  private func shell(_ script: String, extra: Bool = false) throws -> Subprocess.Outcome {
    var process = Subprocess(executable: "/bin/sh", arguments: ["-c", script])
    process.hasExtraPipe = extra
    return try process.run()
  }

  @Test func statusAndOutput() throws {
    let outcome = try shell("echo out; echo err >&2; exit 7")
    #expect(outcome == .init(status: 7, output: "out\nerr\n", extra: Data()))
  }

  @Test func signalBecomesStatus() throws {
    #expect(try shell("kill -9 $$").status == 128 + 9)
  }

  @Test func inputIsEmpty() throws {
    #expect(try shell("cat; echo end").output == "end\n")
  }

  /// Far more than a pipe holds, on both pipes in turn: neither side may wait for the other.
  @Test func largeOutputOnBothPipes() throws {
    let script = """
      i=0; while [ $i -lt 40 ]; do
        head -c 50000 /dev/zero | tr '\\0' g >&3; head -c 50000 /dev/zero | tr '\\0' o
        i=$((i + 1)); done
      """
    let outcome = try shell(script, extra: true)
    #expect(outcome.output.utf8.count == 2_000_000)
    #expect(outcome.extra.count == 2_000_000)
    #expect(outcome.extra.allSatisfy { $0 == UInt8(ascii: "g") })
  }

  @Test func runsInAFolderWithAnyName() throws {
    let scratch = try Scratch()
    let folder = scratch.url.appendingPathComponent("it's a \"folder\" $HOME")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let outcome = try Subprocess(
      executable: "/bin/sh", arguments: ["-c", "echo x > here; printf '%s' \"$1\"", "sh", "a b'c"],
      folder: folder.path
    ).run()
    #expect(outcome.output == "a b'c")
    #expect(FileManager.default.fileExists(atPath: folder.path + "/here"))
  }

  @Test func variablesReachTheProgram() throws {
    var process = Subprocess(executable: "/bin/sh", arguments: ["-c", "echo $MOEC_TEST"])
    process.environment = ["MOEC_TEST": "set"]
    #expect(try process.run().output == "set\n")
  }

  @Test func missingProgram() throws {
    let error = #expect(throws: ToolchainError.self) {
      try Subprocess(executable: "/no/such/program", arguments: []).run()
    }
    #expect(error?.description.contains("cannot start /no/such/program") == true)
    let full = ToolchainError.cannotStart(program: "model", code: EMFILE).description
    #expect(full.contains("hint: raise the number of open files with 'ulimit -n'"), "\(full)")
  }

  /// What writes to a file again and again, and takes the terminal's signals for nothing.
  private func writer(_ file: String) -> String {
    "trap '' TERM INT; while :; do echo x >> '\(file)'; sleep 0.02; done"
  }

  @Test(arguments: ["wait", "exec > /dev/null 2>&1; wait"])
  func timeLimitEndsTheProgramAndWhatItStarted(last: String) throws {
    let scratch = try Scratch()
    let file = scratch.url.appendingPathComponent("file").path
    let process = Subprocess(
      executable: "/bin/sh", arguments: ["-c", "(\(writer(file))) > /dev/null 2>&1 & \(last)"],
      supervision: Supervision(limit: 0.5))
    let error = #expect(throws: ToolchainError.self) { try process.run() }
    #expect(error == .tookTooLong(program: "/bin/sh", seconds: 0.5))
    let written = try String(contentsOfFile: file, encoding: .utf8)
    #expect(!written.isEmpty)
    usleep(200_000)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == written)
  }

  /// Threads that start programs may have blocked signals; a program that inherits this cannot be
  /// ended by them.
  @Test func signalsAreOpen() throws {
    var all = sigset_t()
    var old = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &old)
    defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
    #expect(
      try shell("kill -TERM $$; echo survived") == .init(status: 143, output: "", extra: Data()))
  }

  @Test func groupIsTheProgramsOwn() throws {
    let outcome = try shell("ps -o pgid= -p $$")
    let group = Int32(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
    #expect(group != nil && group != getpgrp())
  }

  @Test func waitingIsReported() throws {
    let reports = Reports()
    let process = Subprocess(
      executable: "/bin/sleep", arguments: ["2.5"], supervision: Supervision { reports.add($0) })
    #expect(try process.run().status == 0)
    #expect(reports.all == [2, nil])
  }
}

private final class Reports: @unchecked Sendable {
  private let lock = NSLock()
  private var reports: [Int?] = []

  var all: [Int?] { lock.withLock { reports } }

  func add(_ seconds: Int?) { lock.withLock { reports.append(seconds) } }

  /// A program that was written while another thread started one that goes on: it was "busy" until that ended.
  @Test func aProgramIsNotHeldByOthers() throws {
    let scratch = try Scratch()
    // The rest takes a while to write, and the program does not mind it.
    let code = try Data(contentsOf: URL(fileURLWithPath: "/bin/sh")) + Data(count: 1 << 26)
    let begun = DispatchSemaphore(value: 0)
    let others = Mutex<[Companion]>([])
    let thread = Thread {
      for _ in 0..<40 {
        if let other = try? Companion("sleep", ["60"]) { others.withLock { $0.append(other) } }
        begun.signal()
      }
    }
    thread.start()
    begun.wait()
    let program = try ModelProgram(warnings: "", code: code).install(in: scratch.url)
    defer { others.withLock { for other in $0 { other.end() } } }
    let outcome = try Subprocess(executable: program, arguments: ["-c", "exit 3"]).run()
    #expect(outcome.status == 3)
  }
}
