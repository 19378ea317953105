import Driver
import Foundation
import ModelFixtures
import SystemFiles
import Testing

@testable import moec

/// Files whose names look like something else.
@Suite struct OddNameTests {
  @Test(arguments: ["-x.swift", "@x.swift"])
  func aModelMayBeNamedAsAnOptionIs(name: String) throws {
    let folder = try ModelFixture.folder()
    try Data("let a: Int = \"\"\n".utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    let result = try Command.moec(["check", "--", name], in: folder)
    #expect(result.status == 1)
    // swiftc found the file and what is wrong with it.
    #expect(result.errors.contains("\(name):1:14: error: "), "\(result.errors)")
  }

  @Test func aNameOfTwoLinesIsRefused() throws {
    let folder = try ModelFixture.folder()
    let name = "new\nline.swift"
    try Data("import MoE\n".utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    let result = try Command.moec(["check", name], in: folder)
    #expect(result.status == 1)
    #expect(
      result.errors.hasPrefix("error: new\\nline.swift has a line's end in its name"),
      "\(result.errors)")
  }

  /// `nothing/..` is no folder: what is beside it is not written.
  @Test func aFolderThatLeadsNowhereIsRefused() throws {
    let folder = try ModelFixture.folder()
    let text = String(repeating: "a text, ", count: 20)
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/t"))
    let trained = try Command.moec(["tokenizer", "train", "t", "--vocabulary", "260"], in: folder)
    #expect(trained.status == 0, "\(trained.errors)")
    let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let library = try ModelFixture.bigram()
    for words in [
      ["tokenizer", "shard", "t", "-o", "nothing/../out"],
      ["run", library, "--train", "--data", "t", "--tensorboard", "nothing/../out"],
    ] {
      let result = try Command.moec(words, in: folder)
      #expect(result.status == 1)
      #expect(
        result.errors.contains("cannot write nothing/../out: No such file"), "\(result.errors)")
    }
    for path in [folder + "/nothing/../out", ""] {
      #expect(throws: FileError.self) { try GeneratedFolder(path) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)
  }
}
