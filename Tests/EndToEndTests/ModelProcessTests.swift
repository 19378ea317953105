import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// The model's own program: it depends on what it likes, and never outlives moec.
@Suite struct ModelProcessTests {
  @Test func modelReadsItsEnvironmentEachTime() throws {
    let folder = try SmallModelFile.folder(
      """
      import Foundation
      import MoE
      let width = Int(ProcessInfo.processInfo.environment["WIDTH"] ?? "") ?? 1
      let V = Axis("V", 5), T = Axis("T", 4), B = Axis("B", 2), C = Axis("C", width)
      LanguageModel("small", vocabulary: V, context: T, batch: B) { text in
        text.tokens.embedding("token", C).linear("head", V)
      }
      """)
    for width in [8, 48] {
      let result = try Command.shell(
        "WIDTH=\(width) exec \"$0\" compile model.swift --emit graph", in: folder)
      #expect(result.output.contains("axis C \(width)\n"), "\(result.errors)")
    }
  }

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
    let check = try StartedCommand(moec: ["check", "model.swift"], in: folder)
    let text = { try String(contentsOfFile: folder + "/text.txt", encoding: .utf8) }
    try check.wait { try text().contains("still here") }
    check.send(signal)
    _ = try check.end()
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

  /// What `moec check` says of a model with this body.
  private func errors(of body: String) throws -> String {
    let folder = try SmallModelFile.folder(
      """
      import MoE
      let V = Axis("V", 5), T = Axis("T", 4), B = Axis("B", 2), C = Axis("C", 6)
      LanguageModel("small", vocabulary: V, context: T, batch: B) { text in
        let x = text.tokens.embedding("token", C)
        let y = x.linear("up", 2 * C)
      \(body)
      }
      """)
    return try Moec.run(["check", "model.swift"], in: folder).errors
  }

  #if os(Linux)
    @Test("An operator's error stands where the operator is")
    func operators() throws {
      let sum = try errors(of: "  let one = 1\n  let z = x\n    + y * Double(one)\n  return z")
      #expect(
        sum.contains("model.swift:8:5: error: +: axes differ, f32[B, T, C] and f32[B, T, 2C]"))
      let product = try errors(of: "\n  return (x + text.positions * 0.5).linear(\"head\", V)")
      #expect(product.contains("model.swift:7:30: error: *: expected f32, got i32[T]"))
      let negation = try errors(of: "  let p = text.positions\n  return (-p).linear(\"head\", V)")
      #expect(negation.contains("model.swift:7:11: error: -: expected f32"))
    }
  #endif
}
