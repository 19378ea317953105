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
