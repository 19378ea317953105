import Foundation

/// An MPI of this machine.
public struct MPI: Sendable, CustomStringConvertible {
  /// A launcher, and the library of another MPI.
  public struct Pair: Sendable, CustomStringConvertible {
    public var launcher, library: MPI
    public var description: String { "\(library) under \(launcher)" }
  }

  public var mpirun, mpicc: String
  public var isOpenMPI: Bool

  public var description: String { mpirun }
  public var name: String { isOpenMPI ? "Open MPI's mpirun" : "MPICH's mpiexec" }

  /// Those that Debian tells apart by name, or the only one.
  public static let installed: [MPI] = {
    let all = ["openmpi", "mpich"].compactMap { MPI(suffix: ".\($0)") }
    return all.isEmpty ? [MPI(suffix: "")].compactMap { $0 } : all
  }()

  public static let pairs = installed.flatMap { launcher in
    installed.filter { $0.isOpenMPI != launcher.isOpenMPI }.map {
      Pair(launcher: launcher, library: $0)
    }
  }

  private init?(suffix: String) {
    let script =
      "command -v mpirun\(suffix) && command -v mpicc\(suffix) && mpirun\(suffix) --version"
    guard let found = try? Command.run("/bin/sh", ["-c", script]), found.status == 0 else {
      return nil
    }
    let lines = found.output.split(separator: "\n")
    guard lines.count > 2 else { return nil }
    (mpirun, mpicc) = (String(lines[0]), String(lines[1]))
    isOpenMPI = lines[2].contains("Open MPI") || lines[2].contains("OpenRTE")
  }

  /// Starts so many ranks of a program.
  public func start(
    _ count: Int, _ program: String, _ arguments: [String], in folder: String? = nil,
    _ environment: [String: String] = [:]
  ) throws -> StartedCommand {
    // More ranks than processors, and by root, who must say so twice.
    let usual = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
    return try StartedCommand(
      mpirun, (isOpenMPI ? ["--oversubscribe"] : []) + ["-np", "\(count)", program] + arguments,
      in: folder, environment: usual.merging(environment) { $1 })
  }

  /// What they say and leave; after so many seconds they are ended.
  public func run(
    _ count: Int, _ program: String, _ arguments: [String], in folder: String? = nil,
    _ environment: [String: String] = [:], seconds: Double = 60
  ) throws -> Command {
    try Self.end(try start(count, program, arguments, in: folder, environment), after: seconds)
  }

  /// What came of it; after so many seconds it is ended.
  public static func end(_ started: StartedCommand, after seconds: Double) throws -> Command {
    let end = Date(timeIntervalSinceNow: seconds)
    started.wait { Date() > end }
    // The launcher ends what it started.
    started.send(SIGTERM)
    let last = Date(timeIntervalSinceNow: 5)
    started.wait { Date() > last }
    started.send(SIGKILL)
    return try started.end()
  }
}
