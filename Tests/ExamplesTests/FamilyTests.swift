import Foundation
import ModelFixtures
import Testing

/// The models that people know: checked, compiled, trained for 50 steps and asked for text.
@Suite struct FamilyTests {
  @Test(arguments: [
    "mixtral", "qwen3-moe", "olmoe", "deepseek", "switch", "shazeer", "gpt2", "llama",
  ])
  func learns(_ name: String) throws {
    let model = "\(root)/Examples/\(name).swift"
    let folder = try ModelFixture.folder()
    let check = try Command.moec(["check", model, "--strict", "--gradients"], in: folder)
    #expect(check.status == 0 && check.output.contains("gradients: all "), "\(check.errors)")
    let compilation = try Command.moec(["compile", model, "-o", "lib.so", "--quiet"], in: folder)
    try #require(compilation.status == 0, "\(compilation.errors)")
    let run = try Command.moec(
      [
        "run", "./lib.so", "--train", "--data", "\(root)/Data/shakespeare.txt", "--steps", "50",
        "--eval-interval", "50", "--eval-batches", "2", "--log", "log.jsonl", "--save",
        "w.safetensors",
      ], in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let losses = run.output.matches(of: /step (\d+): train loss \S+, val loss (\S+)[,;\n]/)
      .compactMap { Double($0.output.2.replacing(";", with: "")) }
    #expect(losses.count == 2, "\(run.output)")
    #expect((losses.last ?? 9) < (losses.first ?? 0) - 0.3, "\(run.output)")
    let text = try Command.moec(
      ["run", "./lib.so", "--generate", "--weights", "w.safetensors", "--prompt", "We "], in: folder
    )
    #expect(text.status == 0 && text.output.contains("We "), "\(text.errors)")
  }
}
