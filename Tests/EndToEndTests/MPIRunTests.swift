import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// Ranks that are processes, with every MPI that is installed here.
@Suite(.serialized, .enabled(if: !MPI.installed.isEmpty, "no mpirun with its mpicc here"))
struct MPIRunTests {
  /// Long enough to be killed in the midst of it.
  private static func options(
    _ path: String, steps: Int, library: String = "libsmall.so"
  ) -> [String] {
    [
      "run", library, "--data", "text.txt", "--train", "--steps", "\(steps)",
      "--eval-interval",
      "10", "--eval-batches", "3", "--accumulate", "4", "--clip", "0.5", "--threads", "1", "--save",
      path + ".safetensors", "--log", path + ".jsonl",
    ]
  }

  private static let cache = Result { try ModelFixture.folder() }

  private func start(_ mpi: MPI, ranks: Int, _ arguments: [String]) throws -> StartedCommand {
    try mpi.start(
      ranks, try Command.moecPath(), arguments, in: RanksModel.folder.get(),
      ["MOEC_CACHE": Self.cache.get()])
  }

  private func weights(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path + ".safetensors"))
  }

  /// What one process makes of so many steps.
  private func alone(steps: Int) throws -> Data {
    let path = try ModelFixture.folder() + "/alone"
    let result = try Moec.run(Self.options(path, steps: steps), in: RanksModel.folder.get())
    try #require(result.status == 0, "\(result.errors)")
    return try weights(path)
  }

  @Test("Weights, moments and states are those of one process", arguments: MPI.installed)
  func sameBits(mpi: MPI) throws {
    let expected = try alone(steps: 25)
    for ranks in [2, 4] {
      let path = try ModelFixture.folder() + "/together"
      let run = try start(mpi, ranks: ranks, Self.options(path, steps: 25))
      let result = try MPI.end(run, after: 100)
      #expect(result.status == 0, "\(mpi): \(result)")
      #expect(result.output.components(separatedBy: "step 20: ").count == 2, "\(result.output)")
      #expect(try weights(path) == expected, "\(mpi), \(ranks) ranks")
    }
  }

  @Test("So they are where ranks share out the experts", arguments: MPI.installed)
  func sharedExperts(mpi: MPI) throws {
    let expected = try alone(steps: 15)
    for ranks in [2, 4] {
      let path = try ModelFixture.folder() + "/shared"
      let options = Self.options(path, steps: 15, library: "libshared.so")
      let result = try MPI.end(start(mpi, ranks: ranks, options), after: 100)
      #expect(result.status == 0, "\(mpi): \(result)")
      #expect(try weights(path) == expected, "\(mpi), \(ranks) ranks")
    }
    let texts = try [1, 2].map { ranks in
      let library = ranks == 1 ? "libsmall.so" : "libshared.so"
      let words = ["run", library, "--generate", "--tokens", "20", "--data", "text.txt"]
      return try MPI.end(start(mpi, ranks: ranks, words), after: 60).output
    }
    #expect(texts[0] == texts[1] && texts[0].count > 20, "\(texts)")
  }

  @Test(
    "A killed rank ends the job, and the run goes on with other ranks", arguments: MPI.installed)
  func killed(mpi: MPI) throws {
    let expected = try alone(steps: 400)
    let path = try ModelFixture.folder() + "/killed"
    var killed = 0
    for (index, ranks) in [4, 2].enumerated() {
      let resumption = index == 0 ? [] : ["--resume", path + ".safetensors"]
      let run = try start(mpi, ranks: ranks, Self.options(path, steps: 400) + resumption)
      run.wait { FileManager.default.fileExists(atPath: path + ".safetensors") }
      Thread.sleep(forTimeInterval: .random(in: 0...0.8))
      let victims = try processes(with: path)
      if let victim = victims.randomElement(), kill(victim, SIGKILL) == 0 { killed += 1 }
      let result = try MPI.end(run, after: 30)
      #expect(result.status != 0 || victims.isEmpty, "\(mpi): \(result)")
      // The launcher says it, and moec has nothing to add.
      let said = result.output + result.errors
      if result.status != 0, !said.contains("nothing is left to train") {
        #expect(
          said.contains("(Killed)") || said.contains("Killed (signal 9)"), "\(mpi): \(result)")
        #expect(!said.contains("error:"), "\(mpi): \(result)")
      }
      #expect(try processes(with: path).isEmpty)
    }
    #expect(killed > 0)
    let rest = try Moec.run(
      Self.options(path, steps: 400) + ["--resume", path + ".safetensors"],
      in: RanksModel.folder.get())
    let isDone = rest.errors.contains("nothing is left to train")
    #expect(rest.status == 0 || isDone, "\(rest.errors)")
    #expect(try weights(path) == expected, "\(mpi)")
  }

  /// The ranks of a run, by the file that they are to save.
  private func processes(with path: String) throws -> [pid_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
      guard let process = pid_t(name),
        let words = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
      else { return nil }
      let arguments = words.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      let isRank = arguments.first?.hasSuffix("/moec") == true
      return isRank && arguments.contains(path + ".safetensors") ? process : nil
    }
  }

  @Test("What all ranks find wrong is said once", arguments: MPI.installed)
  func refused(mpi: MPI) throws {
    let run = try start(
      mpi, ranks: 3,
      ["run", "libsmall.so", "--data", "text.txt", "--train", "--no-save", "--accumulate", "4"])
    let result = try MPI.end(run, after: 30)
    #expect(result.status == 1, "\(mpi): \(result)")
    #expect(result.errors.components(separatedBy: "error: the 4 batches").count == 2, "\(result)")
    #expect(result.errors.contains("hint: add --accumulate 6"))
    let threads = try MPI.end(
      start(mpi, ranks: 2, Self.options("w", steps: 2) + ["--ranks", "2"]), after: 30)
    #expect(threads.errors.contains("error: --ranks 2 starts threads, but this is one of 2"))
  }
}
