import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// The model's own program: it depends on what it likes, and never outlives moec.
@Suite struct ModelProcessTests {
  @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
  func modelEndsWithMoec(signal: Int32) throws {
    let folder = try SmallModelFile.folder(
      """
      import Foundation
      import MoE
      signal(SIGTERM, SIG_IGN)
      let file = FileHandle(forWritingAtPath: "text.txt")!
      while true { file.write(Data("still here ".utf8)); usleep(10_000) }
      """)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Command.moecPath())
    process.arguments = ["check", "model.swift"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = { try String(contentsOfFile: folder + "/text.txt", encoding: .utf8) }
    while process.isRunning, try !text().contains("still here") { usleep(20_000) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    usleep(300_000)
    let written = try text()
    usleep(300_000)
    #expect(try text() == written)
    #expect(written.contains("still here"))
  }

  @Test func modelThatDoesNotEndIsRefused() throws {
    let folder = try SmallModelFile.folder("import MoE\nwhile true {}\n")
    let result = try Moec.run(["check", "model.swift", "--time-limit", "8"], in: folder)
    #expect(result.status == 1)
    #expect(
      result.errors.contains(
        "error: model.swift: the model's program was still running after 8 s, and was ended\nhint: "
      ))
  }
}
