import Foundation

/// What started this process as one of several, as the environment says.
public struct Launcher: Equatable, Sendable {
  public enum Kind: Sendable {
    case openMPI, mpich, slurm
  }

  public var kind: Kind
  public var rank: Int
  public var count: Int
  /// How many of them share this machine, if that is known.
  public var localCount: Int?

  public init(_ kind: Kind, rank: Int, count: Int, localCount: Int? = nil) {
    (self.kind, self.rank, self.count, self.localCount) = (kind, rank, count, localCount)
  }

  /// What a person calls it.
  public var name: String {
    switch kind {
    case .openMPI: "Open MPI's mpirun"
    case .mpich: "MPICH's mpiexec"
    case .slurm: "Slurm's srun"
    }
  }

  /// What Debian adds to the names of its programs where several MPIs are installed.
  public var family: String? {
    switch kind {
    case .openMPI: "openmpi"
    case .mpich: "mpich"
    case .slurm: nil
    }
  }

  /// Nil for a process that nobody started as one of several.
  ///
  /// Slurm says much of itself to scripts and shells too: only a step of several tasks is meant.
  public static func here(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Launcher? {
    func number(_ variable: String) -> Int? { environment[variable].flatMap { Int($0) } }
    func launcher(_ kind: Kind, _ rank: String, _ count: String, _ local: Int?) -> Launcher? {
      guard let count = number(count), let rank = number(rank), (0..<max(0, count)).contains(rank)
      else { return nil }
      return Launcher(kind, rank: rank, count: count, localCount: local)
    }
    return launcher(
      .openMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
      number("OMPI_COMM_WORLD_LOCAL_SIZE"))
      ?? launcher(.mpich, "PMI_RANK", "PMI_SIZE", number("MPI_LOCALNRANKS"))
      ?? (number("SLURM_STEP_NUM_TASKS") ?? 1 > 1
        ? launcher(.slurm, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", slurmLocalCount(environment))
        : nil)
  }

  /// This machine's part of `2(x3),1`, the tasks of each: three machines with two, one with one.
  private static func slurmLocalCount(_ environment: [String: String]) -> Int? {
    guard let tasks = environment["SLURM_STEP_TASKS_PER_NODE"],
      var machine = environment["SLURM_NODEID"].flatMap({ Int($0) })
    else { return nil }
    for part in tasks.split(separator: ",") {
      guard let match = part.wholeMatch(of: /([0-9]+)(\(x([0-9]+)\))?/) else { return nil }
      machine -= match.output.3.flatMap { Int($0) } ?? 1
      if machine < 0 { return Int(match.output.1) }
    }
    return nil
  }

  /// The folder of the program that started this process, which may have an `mpicc` too; nil where
  /// that cannot be told.
  public static var folder: String? {
    var process = getppid()
    // A shell or two may stand between.
    for _ in 0..<4 where process > 1 {
      let path = program(of: process)
      if let path, isLauncher(path) {
        return URL(fileURLWithPath: path).deletingLastPathComponent().path
      }
      guard let next = parent(of: process) else { return nil }
      process = next
    }
    return nil
  }

  static func isLauncher(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return ["mpirun", "mpiexec", "orterun", "orted", "prte", "hydra_"].contains {
      name.hasPrefix($0)
    }
  }

  /// What a process runs; Linux alone tells it in a file.
  private static func program(of process: pid_t) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
  }

  /// The fourth word of a line whose second, in brackets, may hold anything.
  private static func parent(of process: pid_t) -> pid_t? {
    guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = line.lastIndex(of: ")")
    else { return nil }
    let words = line[line.index(after: end)...].split(separator: " ")
    return words.count > 1 ? pid_t(words[1]) : nil
  }
}
