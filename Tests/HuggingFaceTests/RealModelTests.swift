import CompiledModels
import Exchange
import Foundation
import HuggingFace
import ModelFixtures
import ModelRuntime
import Testing

/// A real model, SmolLM2-135M-Instruct as a folder of transformers, named by MOEC_SMOLLM2, which has beside its files
/// what `make_folder_fixtures.py --expect` wrote: expected.safetensors.
@Suite struct RealModelTests {
  private static let folder = ProcessInfo.processInfo.environment["MOEC_SMOLLM2"]

  @Test(
    "Logits of 64 tokens and the likeliest 40 are transformers'",
    .enabled(if: folder != nil, "needs a folder with a model, named by MOEC_SMOLLM2"))
  func computesTheSame() throws {
    let source = try #require(Self.folder)
    let expected = try Safetensors(path: source + "/expected.safetensors")
    func tensor(_ name: String) throws -> Safetensors.Tensor {
      try #require(expected.tensors.first { $0.name == name })
    }
    func tokens(_ name: String) throws -> [Int32] {
      let found = try tensor(name)
      return try expected.bytes(found, 0..<found.range.count).withUnsafeBytes {
        Array($0.bindMemory(to: Int32.self))
      }
    }
    let folder = try ModelFixture.folder() + "/model"
    let command = try Moec.run(["import", source, "-o", folder, "--context", "128"])
    try #require(command.status == 0, "\(command.errors)")
    let library = try Moec.compile(folder + "/model.swift").library
    let model = try Model(try ModelLibrary(path: library))
    let weights = folder + "/weights.safetensors"
    try Checkpoint(path: weights, contents: .weights, manifest: model.manifest).restore(into: model)
    let found = try model.logits(tokens: try tokens("tokens"), seed: 1)
    let logits = try expected.numbers(try tensor("logits"))
    #expect(found.count == logits.count)
    let largest = logits.map(abs).max() ?? 1
    let difference = zip(found, logits).map { abs($0 - $1) }.max() ?? .infinity
    print("SmolLM2: logits of 64 tokens differ by \(difference / largest) of the largest")
    #expect(difference < 1e-4 * largest)

    let prompt = try #require(expected.metadata["prompt"])
    let generation = try Moec.run([
      "run", library, "--generate", "--weights", weights, "--temperature", "0", "--tokens", "40",
      "--prompt", prompt,
    ])
    #expect(generation.output == (expected.metadata["text"] ?? "") + "\n", "\(generation.errors)")
  }
}
