import Foundation

/// A program that runs beside the test, which may watch it, send it signals and wait for its end.
public final class StartedCommand: @unchecked Sendable {
  private let process = Process()
  private let outputs: [URL]
  private let reader: FileHandle

  /// Starts a program; its output goes through files, so that no pipe can fill up. Its input is empty
  /// unless a pipe is given. `environment` is added to that of the test.
  public init(
    _ program: String, _ arguments: [String], in folder: String? = nil,
    environment: [String: String] = [:], input: Pipe? = nil
  ) throws {
    let scratch = URL(fileURLWithPath: try ModelFixture.folder())
    outputs = ["output", "errors"].map { scratch.appendingPathComponent($0) }
    for file in outputs { try Data().write(to: file) }
    reader = try FileHandle(forReadingFrom: outputs[0])
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    // Runs of tests are kept where nobody looks, unless a test says where.
    process.environment = ["MOEC_RUNS": scratch.appendingPathComponent("runs").path]
      .merging(ProcessInfo.processInfo.environment) { $1 }
      .merging(environment) { $1 }
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputs[0])
    process.standardError = try FileHandle(forWritingTo: outputs[1])
    try process.run()
  }

  /// Starts the `moec` that was built beside the tests.
  public convenience init(moec arguments: [String], in folder: String? = nil) throws {
    try self.init(try Command.moecPath(), arguments, in: folder)
  }

  /// One that a test forgot, or left by an error.
  deinit { send(SIGKILL) }

  public var isRunning: Bool { process.isRunning }
  public var identifier: Int32 { process.processIdentifier }

  /// What it has written since this was asked last.
  public func newOutput() throws -> Data { try reader.readToEnd() ?? Data() }

  /// Waits until something is so, or the program has ended.
  public func wait(until condition: () throws -> Bool) rethrows {
    while process.isRunning, try !condition() { Thread.sleep(forTimeInterval: 0.01) }
  }

  /// Sends a signal if it still runs; to all that it started too, if they are a group of its own.
  public func send(_ signal: Int32, toItsGroup: Bool = false) {
    guard process.isRunning else { return }
    if toItsGroup, kill(-process.processIdentifier, signal) == 0 { return }
    kill(process.processIdentifier, signal)
  }

  /// Waits for its end, and says what came of it.
  public func end() throws -> Command {
    process.waitUntilExit()
    let texts = try outputs.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Command(
      status: process.terminationStatus,
      isKilled: process.terminationReason == .uncaughtSignal, output: texts[0], errors: texts[1])
  }
}
