import Foundation

/// A program that runs beside the test, which may watch it, send it signals and wait for its end.
public final class StartedCommand: @unchecked Sendable {
  private let program: SpawnedProgram
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
    // Runs of tests are kept where nobody looks, unless a test says where.
    let inherited = ProcessInfo.processInfo.environment["MOEC_RUNS"]
    let variables = [
      "MOEC_RUNS": inherited ?? scratch.appendingPathComponent("runs").path,
      // Threads that wait leave the processor to the other tests.
      "OMP_WAIT_POLICY": "passive",
    ].merging(environment) { $1 }
    let ends = input.map { [$0.fileHandleForReading, $0.fileHandleForWriting] } ?? []
    // Nobody else's child is to hold them open.
    for end in ends { _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC) }
    self.program = try SpawnedProgram(
      program, arguments, in: folder, environment: variables, input: ends.first?.fileDescriptor,
      outputs: outputs.map(\.path))
    // Where the program has closed it, writing fails.
    try input?.fileHandleForReading.close()
  }

  /// Starts the `moec` that was built beside the tests.
  public convenience init(moec arguments: [String], in folder: String? = nil) throws {
    try self.init(try Command.moecPath(), arguments, in: folder)
  }

  /// One that a test forgot, or left by an error.
  deinit {
    guard program.isRunning else { return }
    send(SIGKILL)
    _ = program.end()
  }

  public var isRunning: Bool { program.isRunning }
  public var identifier: Int32 { program.identifier }

  /// What it has written since this was asked last.
  public func newOutput() throws -> Data { try reader.readToEnd() ?? Data() }

  /// Waits until something is so, or the program has ended.
  public func wait(until condition: () throws -> Bool) rethrows {
    while program.isRunning, try !condition() { Thread.sleep(forTimeInterval: 0.01) }
  }

  /// Sends a signal if it still runs; to all that it started too, if they are a group of its own.
  public func send(_ signal: Int32, toItsGroup: Bool = false) {
    guard program.isRunning else { return }
    if toItsGroup, kill(-program.identifier, signal) == 0 { return }
    kill(program.identifier, signal)
  }

  /// Waits for its end, and says what came of it.
  public func end() throws -> Command {
    let (status, isKilled) = program.end()
    let texts = try outputs.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Command(
      status: status, isKilled: isKilled, output: texts[0], errors: texts[1])
  }
}
