import Foundation
import ModelFixtures
import Testing

/// `moec demo`, with two steps instead of hundreds.
@Suite struct DemoTests {
  @Test func goesThroughEveryStage() throws {
    let folder = try ModelFixture.folder()
    let demo = try Command.moec(
      ["demo", "--steps", "2", "--seed", "3", "--output", "\(folder)/demo"], in: root)
    #expect(demo.status == 0, "\(demo.errors)")
    for stage in ["model", "graph", "C", "library", "train", "weights", "text"] {
      #expect(demo.output.contains("\n\(stage) "), "\(demo.output)")
    }
    #expect(demo.output.contains("step 1: train loss "))
    #expect(demo.output.contains("parameters after 2 steps: "))
    for file in ["makemoe/block.c", "makemoe.safetensors"] {
      #expect(FileManager.default.fileExists(atPath: "\(folder)/demo/\(file)"))
    }
  }

  /// A second demo replaces what a demo made, and not what was trained further from there.
  @Test func aSecondDemoDoesNotReplaceWhatWasTrainedFurther() throws {
    let folder = try ModelFixture.folder()
    let weights = URL(fileURLWithPath: "\(folder)/demo/makemoe.safetensors")
    func demo(_ more: [String] = []) throws -> Command {
      try Command.moec(["demo", "--steps", "1", "--output", "\(folder)/demo"] + more, in: root)
    }
    let first = try demo()
    #expect(first.status == 0, "\(first.errors)")
    #expect(try demo().status == 0, "what a demo made can be made again")
    let command = try #require(
      first.output.firstMatch(of: /swift run moec (run .*--resume .*) --steps/))
    let further = try Command.moec(
      command.output.1.split(separator: " ").map(String.init)
        + ["--steps", "2", "--eval-batches", "1"], in: root)
    #expect(further.status == 0, "\(further.errors)")
    let trained = try Data(contentsOf: weights)
    let second = try demo()
    #expect(second.status == 1)
    #expect(second.errors.contains("makemoe.safetensors was trained further"), "\(second.errors)")
    #expect(second.errors.contains("--overwrite") && second.errors.contains("--resume"))
    #expect(try Data(contentsOf: weights) == trained)
    #expect(try demo(["--overwrite"]).status == 0)
  }

  @Test func findsTheExampleAroundMoec() throws {
    let folder = try ModelFixture.folder()
    let demo = try Command.moec(["demo", "--steps", "1"], in: folder)
    #expect(demo.status == 0, "\(demo.errors)")
    #expect(demo.output.contains("Examples/makemoe.swift, 47 lines"))
    #expect(FileManager.default.fileExists(atPath: "\(folder)/.build/demo/makemoe/model.c"))
  }

  @Test func saysThatTheTextIsMissing() throws {
    let folder = try ModelFixture.folder()
    let files = FileManager.default
    try files.createDirectory(atPath: "\(folder)/Examples", withIntermediateDirectories: true)
    try files.copyItem(
      atPath: "\(root)/Examples/makemoe.swift", toPath: "\(folder)/Examples/makemoe.swift")
    let demo = try Command.moec(["demo"], in: folder)
    #expect(demo.status == 1)
    #expect(demo.errors.hasPrefix("error: Data/shakespeare.txt is not there"))
    #expect(try files.contentsOfDirectory(atPath: folder) == ["Examples"])
  }

  @Test(arguments: [["--steps", "0"], ["--steps", "-3"], ["--steps", "many"], ["--output", ""]])
  func refusesWrongUsage(arguments: [String]) throws {
    #expect(try Command.moec(["demo"] + arguments).status == 64)
  }

  @Test func saysThatTheFolderCannotBeWritten() throws {
    let file = try ModelFixture.folder() + "/file"
    try Data().write(to: URL(fileURLWithPath: file))
    let demo = try Command.moec(["demo", "--output", "\(file)/demo"], in: root)
    #expect(demo.status == 1)
    #expect(demo.errors.contains("error: cannot make the folder"))
    #expect(demo.errors.contains("--output"))
  }
}
