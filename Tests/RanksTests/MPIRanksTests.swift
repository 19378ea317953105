import Foundation
import ModelFixtures
import SystemFiles
import Testing

@testable import RanksProgram

/// Ranks that are processes, with every MPI that is installed here.
@Suite("Ranks under MPI", .enabled(if: !MPI.installed.isEmpty, "no mpirun with its mpicc here"))
struct MPIRanksTests {
  @Test("exchange random words, and compile the way to it at once", arguments: MPI.installed)
  func exchangesWords(mpi: MPI) throws {
    let cache = try ModelFixture.folder() + "/cache"
    for count in [2, 4] {
      let result = try mpi.run(count, ["exchange", "\(count)", "120"], ["MOEC_CACHE": cache])
      #expect(result.status == 0, "\(mpi): \(result)")
      let words = try expectedWords(count, RandomExchanges(seed: UInt64(count), steps: 120))
      #expect(
        result.output == "\(count) ranks, in order, words \(words)\n", "\(mpi): \(result)")
    }
    let kept = try FileManager.default.contentsOfDirectory(atPath: cache)
    #expect(kept.count == 1 && kept[0].hasSuffix(".entry"), "\(kept)")
  }

  /// What threads are given by the same seed.
  private func expectedWords(_ count: Int, _ exchanges: RandomExchanges) throws -> [Int] {
    try limited { try ThreadRanksTests.run(count, exchanges) }
  }

  @Test("all end when one gives up, which says why", arguments: MPI.installed)
  func aborts(mpi: MPI) throws {
    let result = try mpi.run(2, ["abort", "3", "20"])
    #expect(result.status != 0 && !result.isKilled)
    #expect(result.errors.contains("error: rank 1: enough of this"), "\(mpi): \(result)")
  }

  @Test("a launcher of another MPI is refused", arguments: MPI.pairs)
  func refusesOthers(pair: MPI.Pair) throws {
    let result = try pair.launcher.run(
      2, ["exchange", "1", "10"], ["MOEC_MPICC": pair.library.mpicc])
    #expect(result.status == 1, "\(pair): \(result)")
    #expect(result.output == "")
    let said = result.errors
    #expect(said.contains("\(pair.launcher.name) started 2 ranks, but moec was given"), "\(said)")
    #expect(said.contains(pair.library.isOpenMPI ? "Open MPI v" : "MPICH "), "\(said)")
    #expect(said.contains("MOEC_MPICC=/path/to/mpicc"), "\(said)")
  }

  @Test(
    "an mpicc that is not there, or does not work, is one clear error", arguments: MPI.installed)
  func refusesCompilers(mpi: MPI) throws {
    let none = try mpi.run(2, ["exchange", "1", "10"], ["MOEC_MPICC": "/no/mpicc"])
    #expect(none.status == 1)
    #expect(none.errors.contains("error: /no/mpicc: no such program\nhint: "), "\(none)")
    let broken = try mpi.run(2, ["exchange", "1", "10"], ["MOEC_MPICC": "/bin/false"])
    #expect(broken.errors.contains("error: /bin/false: it ended with status 1"), "\(broken)")
  }
}

extension MPI {
  /// What so many ranks of the program of these tests say and leave.
  func run(
    _ count: Int, _ arguments: [String], _ environment: [String: String] = [:]
  ) throws -> Command {
    let program = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent()
      .appendingPathComponent("RanksProgram").path
    return try run(count, program, arguments, environment)
  }
}
