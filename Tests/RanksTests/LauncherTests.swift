import Testing

@testable import Ranks

/// What the environment of a process says of those that were started with it.
@Suite struct LauncherTests {
  @Test func openMPI() {
    let environment = [
      "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
      "PMIX_RANK": "5",
    ]
    let launcher = Launcher.here(environment: environment)
    #expect(launcher == Launcher(.openMPI, rank: 5, count: 8, localCount: 4))
  }

  @Test func mpich() {
    let environment = ["PMI_SIZE": "3", "PMI_RANK": "0", "MPI_LOCALNRANKS": "3", "PMI_FD": "6"]
    let launcher = Launcher.here(environment: environment)
    #expect(launcher == Launcher(.mpich, rank: 0, count: 3, localCount: 3))
  }

  @Test("A step of several tasks is Slurm's; a batch script and a shell are alone")
  func slurm() {
    let script = ["SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"]
    #expect(Launcher.here(environment: script) == nil)
    let shell = script.merging(["SLURM_STEP_NUM_TASKS": "1"]) { $1 }
    #expect(Launcher.here(environment: shell) == nil)
    var task = script.merging(["SLURM_STEP_NUM_TASKS": "7", "SLURM_PROCID": "6"]) { $1 }
    #expect(Launcher.here(environment: task) == Launcher(.slurm, rank: 6, count: 7))
    task["SLURM_STEP_TASKS_PER_NODE"] = "2(x3),1"
    for (machine, count) in [(0, 2), (2, 2), (3, 1)] {
      task["SLURM_NODEID"] = "\(machine)"
      #expect(Launcher.here(environment: task)?.localCount == count)
    }
    task["SLURM_NODEID"] = "4"
    #expect(Launcher.here(environment: task)?.localCount == nil)
    // Within a job mpirun says more.
    task.merge(["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"]) { $1 }
    #expect(Launcher.here(environment: task) == Launcher(.openMPI, rank: 1, count: 2))
  }

  @Test("What is no number, or no rank of so many, is nothing")
  func nothing() {
    #expect(Launcher.here(environment: [:]) == nil)
    for (size, rank) in [("x", "0"), ("2", "x"), ("2", "2"), ("2", "-1"), ("-1", "0"), ("0", "0")] {
      #expect(Launcher.here(environment: ["PMI_SIZE": size, "PMI_RANK": rank]) == nil)
    }
  }

  @Test func launchersAreKnownByTheirNames() {
    for path in ["/usr/bin/orterun", "/opt/bin/prterun", "/usr/bin/hydra_pmi_proxy", "/b/mpirun"] {
      #expect(Launcher.isLauncher(path))
    }
    #expect(!Launcher.isLauncher("/usr/bin/bash") && !Launcher.isLauncher("/mpirun/sh"))
  }

  @Test func errorsSayWhatToDo() {
    let errors: [RanksError] = [
      .badCount(0), .noThread(rank: 1, code: 11), .failed(reason: "r"), .cannotLoad(reason: "r"),
      .mpi(reason: "r"), .otherLauncher("a", ranks: 2, library: "b", found: nil),
    ]
    for error in errors { #expect(!error.message.isEmpty && !error.hint.contains("\n")) }
    let other = RanksError.otherLauncher("MPICH's mpiexec", ranks: 2, library: "Open MPI", found: 1)
    #expect(
      other.message == "MPICH's mpiexec started 2 ranks, but moec was given Open MPI, which finds 1"
    )
    #expect(other.hint.contains("MOEC_MPICC=/path/to/mpicc"))
  }
}
