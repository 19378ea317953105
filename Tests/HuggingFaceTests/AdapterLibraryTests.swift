import CompiledModels
import Exchange
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Passes
import Testing

/// Libraries with adapters, their weights, and what is frozen on import.
@Suite(.serialized) struct AdapterLibraryTests {
  private static let imported = Result {
    let folder = try ModelFixture.folder() + "/small"
    let source = try Folder("llama").path
    let command = try Moec.run(["import", source, "-o", folder, "--context", "9", "--batch", "2"])
    guard command.status == 0 else { throw CommandTests.FixtureFailure(text: command.errors) }
    let model = folder + "/model.swift"
    let adapters = try Moec.compile(
      model, isQuick: true, adapters: AdapterRequest(rank: 2, alpha: 3)
    ).library
    return (
      folder: folder, adapters: adapters, plain: try Moec.compile(model, isQuick: true).library
    )
  }

  private static func model(_ library: String, _ weights: String? = nil) throws -> Model {
    let model = try Model(try ModelLibrary(path: library))
    model.initialize(seed: 3)
    if let weights {
      try Checkpoint(path: weights, contents: .weights, manifest: model.manifest)
        .restore(into: model)
    }
    return model
  }

  @Test(
    "Weights without adapters start them, those with adapters go on, and merged ones are the plain library's"
  )
  func libraries() throws {
    let (folder, adapters, plain) = try Self.imported.get()
    let base = folder + "/weights.safetensors"
    let tokens: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6, 5]
    let model = try Self.model(adapters, base)
    let before = try model.logits(tokens: tokens, seed: 1)
    #expect(try Self.model(plain, base).logits(tokens: tokens, seed: 1) == before)
    var hyper = Hyperparameters(model.manifest.defaults, seed: 1)
    hyper.learningRate = 0.05
    for _ in 0..<5 {
      _ = try model.trainStep(
        tokens: tokens + tokens, targets: Array(tokens.reversed() + tokens), with: hyper)
    }
    let trained = try model.logits(tokens: tokens, seed: 1)
    let saved = try ModelFixture.folder() + "/tuned.safetensors"
    try Checkpoint.saveWeights(
      of: model, CheckpointNotes(model: "small", vocabulary: [], step: 5), to: saved)
    #expect(try Self.model(adapters, saved).logits(tokens: tokens, seed: 1) == trained)

    let refused = #expect(throws: SafetensorsError.self) { try Self.model(plain, saved) }
    #expect(refused?.hint.contains("moec weights merge FILE NEW") == true)
    let merged = try ModelFixture.folder() + "/merged.safetensors"
    let command = try Moec.run(["weights", "merge", saved, merged])
    #expect(
      command.status == 0 && command.errors.contains("14 adapters merged"), "\(command.errors)")
    let found = try Self.model(plain, merged).logits(tokens: tokens, seed: 1)
    let largest = trained.map(abs).max() ?? 1
    #expect(difference(found, trained) < 2e-5 * largest)
    #expect(difference(before, trained) > 1e-2 * largest)

    let twice = try Moec.run(["weights", "merge", saved, merged])
    #expect(twice.status == 1 && twice.errors.contains("is there already"), "\(twice.errors)")
    #expect(try Moec.run(["weights", "merge", saved, merged, "--overwrite"]).status == 0)
    let again = try Moec.run(["weights", "merge", merged, merged + ".2"])
    #expect(again.status == 1 && again.errors.contains("has no adapters"), "\(again.errors)")
    let exported = try ModelFixture.folder() + "/adapter"
    let export = try Moec.run(
      ["export", adapters, "--weights", saved, "-o", exported, "--adapter", "--like", folder])
    #expect(
      export.output == "wrote \(exported): llama, adapter_config.json, adapter_model.safetensors\n",
      "\(export.errors)")
    #expect(try Folder.tensors([exported + "/adapter_model.safetensors"]).count == 28)
    // transformers would put an adapter that lies beside a merged model on top of it.
    let beside = try Moec.run([
      "export", adapters, "--weights", saved, "-o", exported, "--overwrite",
    ])
    #expect(beside.status == 1 && beside.errors.contains("/adapter_config.json is of "))
    #expect(!FileManager.default.fileExists(atPath: exported + "/model.safetensors"))
    let none = try Moec.run(
      ["export", adapters, "--weights", base, "-o", exported + "2", "--adapter"])
    #expect(none.status == 1 && none.errors.contains("has no adapters"), "\(none.errors)")
  }

  @Test("Adapters of another scale, or half of them, are refused")
  func unfit() throws {
    let (folder, adapters, _) = try Self.imported.get()
    let manifest = try ModelLibrary(path: adapters).manifest
    #expect(manifest.adapterScale == 1.5)
    let base = try Safetensors(path: folder + "/weights.safetensors")
    let parts = manifest.parameters.filter { $0.adapter != nil }
    func write(_ parts: [Manifest.Parameter], scale: String?) throws -> String {
      let path = try ModelFixture.folder() + "/w.safetensors"
      let outputs =
        base.tensors.map { tensor in
          Safetensors.Output(name: tensor.name, shape: tensor.shape) { try base.numbers(tensor) }
        }
        + parts.map { part in
          Safetensors.Output(name: part.name, shape: part.shape) {
            [Float](repeating: 0, count: part.count)
          }
        }
      var metadata = base.metadata
      metadata["adapter_scale"] = scale
      try Safetensors.write(outputs, metadata: metadata, to: path)
      return path
    }
    let other = #expect(throws: SafetensorsError.self) {
      try Self.model(adapters, write(parts, scale: "2.0"))
    }
    #expect(other?.message.contains("scaled by 2.0, and the library scales them by 1.5") == true)
    let half = #expect(throws: SafetensorsError.self) {
      try Self.model(adapters, write(Array(parts.dropLast()), scale: "1.5"))
    }
    #expect(half?.message.contains("block.1.mlp.down.lora_b is missing") == true, "\(half as Any)")
    for path in [try write(Array(parts.dropLast()), scale: "1.5"), try write(parts, scale: nil)] {
      let command = try Moec.run(["weights", "merge", path, path + ".merged"])
      #expect(command.status == 1, "\(command.errors)")
      #expect(!FileManager.default.fileExists(atPath: path + ".merged"))
    }
  }

  @Test("What is frozen on import stands in model.swift, and options that cannot be are refused")
  func commands() throws {
    let folder = try ModelFixture.folder() + "/frozen"
    let source = try Folder("mixtral").path
    let unknown = try Moec.run(["import", source, "-o", folder, "--freeze", "attention"])
    #expect(
      unknown.status == 1
        && unknown.errors.contains("--freeze attention: the model has no such parameter"),
      "\(unknown.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder))
    let all = try Moec.run(["import", source, "-o", folder, "--freeze", "*"])
    #expect(all.status == 1 && all.errors.contains("leaves nothing that learns"), "\(all.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder))
    let command = try Moec.run(
      ["import", source, "-o", folder, "--context", "9", "--freeze", "token,block.*.attention"])
    #expect(command.status == 0, "\(command.errors)")
    let model = folder + "/model.swift"
    let text = try String(contentsOfFile: model, encoding: .utf8)
    #expect(text.contains("frozen: [\"token\", \"block.*.attention\"]) { text in\n"), "\(text)")
    let graph = try Moec.run(["compile", model, "--emit", "graph"])
    #expect(graph.output.matches(of: /frozen\}/).count == 11, "\(graph.errors)")
    let both = try Moec.run(["compile", model, "--lora", "4", "--freeze", "head"])
    #expect(both.status != 0 && both.errors.contains("--freeze has no meaning with --lora"))
    let alone = try Moec.run(["compile", model, "--lora-alpha", "4"])
    #expect(alone.status != 0 && alone.errors.contains("go with --lora RANK"))
    let nothing = try Moec.run(["compile", model, "--lora", "0"])
    #expect(nothing.status != 0 && nothing.errors.contains("--lora must be from 1"))
    let dense = try Moec.run(["compile", model, "--lora", "2", "--lora-on", "mlp"])
    #expect(dense.status == 1 && dense.errors.contains("--lora-on mlp"), "\(dense.errors)")
  }

  private func difference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
  }
}
