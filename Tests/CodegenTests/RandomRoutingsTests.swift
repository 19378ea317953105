import Foundation
import ModelFixtures
import ModelRuntime
import Ranks
import Testing

@testable import RanksProgram

/// Whatever is routed where, ranks end with the bits of one process, and none waits for ever.
@Suite struct RandomRoutingsTests {
  private func alone(_ routings: RandomRoutings) throws -> RandomRoutings.Outcome {
    let library = try ExpertRanksTests.library(1).library
    return try limited(120) { try routings.run(.alone, library) }
  }

  @Test(
    "of a thousand routings by ranks that are threads",
    arguments: [(2, 1, 150), (2, 2, 300), (4, 2, 250), (4, 4, 300)])
  func threads(ranks: Int, experts: Int, updates: Int) throws {
    let routings = RandomRoutings(seed: UInt64(10 * ranks + experts), updates: updates)
    let expected = try alone(routings)
    // All to one expert, and none to some rank's, are among them; so are updates without targets.
    #expect(expected.withAll > updates / 20 && expected.withIdle > updates / 20, "\(expected)")
    #expect(expected.withoutTargets > 3, "\(expected)")
    let library = try ExpertRanksTests.library(experts).library
    let all = try limited(120) {
      try Ranks.threads(ranks) { try routings.run($0, library) }
    }
    for outcome in all { #expect(outcome == expected) }
  }

  @Test(
    "of fifty by processes", .enabled(if: !MPI.installed.isEmpty, "no mpirun with its mpicc here"),
    arguments: MPI.installed, [(2, 2), (4, 2), (4, 4)])
  func processes(mpi: MPI, _ form: (ranks: Int, experts: Int)) throws {
    let routings = RandomRoutings(seed: UInt64(form.ranks + form.experts), updates: 50)
    let library = try ExpertRanksTests.library(form.experts).library.path
    let program = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent()
      .appendingPathComponent("RanksProgram").path
    let result = try mpi.run(
      form.ranks, program, ["routings", "\(routings.seed)", "\(routings.updates)", library],
      seconds: 100)
    #expect(result.status == 0, "\(mpi): \(result)")
    #expect(result.output == "\(try alone(routings).print)\n", "\(mpi): \(result)")
  }
}
