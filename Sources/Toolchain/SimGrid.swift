import Foundation
import SystemFiles

/// SimGrid's SMPI: runs an MPI program of many ranks in one process, and says what it would take on a platform.
public struct SimGrid: Sendable {
  private let compiler: String
  private let launcher: String

  /// What a rank says of itself, in simulated seconds.
  public struct Time: Hashable, Sendable {
    public var seconds: Double
    public var waited: Double
  }

  /// The one on `PATH`.
  ///
  /// - Throws: `ToolchainError.noSimulator`.
  public init() throws(ToolchainError) {
    guard let compiler = SearchPath.standard.first(named: "smpicc"),
      let launcher = SearchPath.standard.first(named: "smpirun")
    else { throw .noSimulator }
    (self.compiler, self.launcher) = (compiler, launcher)
  }

  /// Runs a C program that reads a script, once for each rank, and prints `rank R seconds S waited W`.
  ///
  /// - Throws: `ToolchainError.simulationFailed`, with its words.
  public func run(
    _ program: String, script: String, platform: String, ranks: Int, largestMessage: Int
  ) throws(ToolchainError) -> [Time] {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    for (name, text) in [
      ("skeleton.c", program), ("script", script), ("platform.xml", platform),
    ] {
      let path = folder.url.appendingPathComponent(name).path
      guard NewFile.write(Data(text.utf8), to: path, mode: 0o600) == 0 else {
        throw .cannotWrite(path, code: errno, isTemporary: true)
      }
    }
    _ = try run(
      compiler, ["-std=c11", "-O1", "-o", "skeleton", "skeleton.c"], in: folder.url.path)
    let output = try run(
      launcher,
      ["-np", "\(ranks)", "-platform", "platform.xml"] + Self.options(ranks, largestMessage)
        + ["./skeleton", "script"], in: folder.url.path)
    let times = output.matches(of: /rank \d+ seconds (\S+) waited (\S+)/).compactMap { match in
      Double(match.output.1).flatMap { seconds in
        Double(match.output.2).map { Time(seconds: seconds, waited: $0) }
      }
    }
    guard times.count == ranks else {
      throw .simulationFailed(reason: "only \(times.count) of \(ranks) ranks came to an end")
    }
    return times
  }

  /// Nothing is computed, and all messages lie in one small place: in parts, of which a process has 65,530 at most.
  private static func options(_ ranks: Int, _ largestMessage: Int) -> [String] {
    let megabyte = 1 << 20
    let part = largestMessage / (30_000 / min(ranks, 30_000)) / megabyte * megabyte + megabyte
    return [
      "--cfg=smpi/simulate-computation:no", "--cfg=smpi/privatization:no",
      "--cfg=smpi/shared-malloc:global", "--cfg=smpi/shared-malloc-blocksize:\(part)",
      "--log=root.thres:error",
    ]
  }

  private func run(
    _ program: String, _ arguments: [String], in folder: String
  ) throws(ToolchainError) -> String {
    let outcome = try Subprocess(executable: program, arguments: arguments, folder: folder).run()
    if outcome.status == 0 { return outcome.output }
    try ToolchainError.checkForKill(program, status: outcome.status)
    let lines = outcome.output.split(separator: "\n")
    let reason = lines.first { $0.contains("CRITICAL") || $0.contains("error:") } ?? lines.first
    throw .simulationFailed(
      reason: reason.map(String.init) ?? "\(program) ended with status \(outcome.status)")
  }
}
