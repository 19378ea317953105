import Foundation
import ModelFixtures
import Testing

@testable import Runner

/// Threads as the environment allows them.
@Suite struct ThreadTests {
  private func evaluate(_ before: String, _ more: String = "") throws -> Command {
    try Command.shell(
      "\(before) \"$0\" run \"$1\" --evaluate --eval-batches 2 --data \"$2\" \(more)",
      [try ModelFixture.bigram(), try fileWith(sampleText())])
  }

  @Test(.enabled(if: (try? Command.shell("taskset -c 0 true"))?.status == 0, "there is no taskset"))
  func takesNoMoreThanItMay() throws {
    #expect(try evaluate("taskset -c 0").errors.contains("threads 1, seed"))
    let asked = try evaluate("taskset -c 0", "--threads 3")
    #expect(asked.status == 0 && asked.errors.contains("threads 3, seed"), "\(asked.errors)")
    #expect(
      asked.errors.contains("note: 3 threads are more than the 1 processor that this process"))
  }

  @Test func takesAsManyAsOpenMPIsTold() throws {
    #expect(try evaluate("OMP_NUM_THREADS=1").errors.contains("threads 1, seed"))
  }

  /// OpenMP itself ends the process over these, or hangs.
  @Test(arguments: ["", "-1", "abc", "0", "99999999999", "4,,2", "1e9"])
  func countsThatOpenMPCannotReadAreNotHandedOn(count: String) throws {
    for name in ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"] {
      let result = try evaluate("\(name)='\(count)' timeout 60")
      #expect(result.status == 0, "\(result.errors)")
      #expect(!result.errors.contains("OMP:"), "\(result.errors)")
    }
  }

  /// OpenMP itself would end the process.
  @Test func threadsThatCannotBeStartedAreAnError() throws {
    let result = try evaluate("ulimit -v 900000;", "--threads 900")
    #expect(result.status == 1, "\(result.errors)")
    #expect(result.errors.contains("error: 900 threads cannot be started: the system gives "))
    #expect(result.errors.contains("hint: ask for fewer with --threads"))
    #expect(!result.errors.contains("crashed"))
  }
}
