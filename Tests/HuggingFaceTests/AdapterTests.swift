import CompiledModels
import Exchange
import Foundation
import GraphIR
import HuggingFace
import Interpreter
import JSON
import ModelFixtures
import ModelRuntime
import Passes
import Testing
import Words

/// Low-rank adapters as files: merged, in PEFT's layout, beside weights that have none.
@Suite(.serialized) struct AdapterTests {
  /// An imported model with adapters that add something, and its weights with them.
  private struct Adapted {
    var folder: Folder
    var plain: Graph
    var graph: Graph
    var weights: String
    var parameters: [String: [Double]]
  }

  private static func adapted(_ name: String, on targets: [AdapterTarget]) throws -> Adapted {
    let folder = try Folder(name)
    let (_, plain, weights) = try folder.imported()
    let graph = try Pass.addAdapters(AdapterRequest(rank: 3, alpha: 2, targets: targets)).run(plain)
    var parameters = try Folder.tensors([weights]).mapValues { $0.numbers }
    let drawn = Interpreter.initialParameters(of: graph.withActiveAdapters, seed: 9)
    for (_, parameter, _) in graph.adapters {
      parameters[parameter.name] = drawn[parameter.name]?.map(Float.init)
    }
    let outputs = graph.parameters.map { _, parameter in
      Safetensors.Output(name: parameter.name, shape: parameter.axes.map(\.size)) {
        parameters[parameter.name] ?? []
      }
    }
    var notes = CheckpointNotes(model: "small", vocabulary: [], step: 0)
    notes.adapterScale = 2.0 / 3
    let path = try ModelFixture.folder() + "/adapted.safetensors"
    try Safetensors.write(outputs, metadata: notes.metadata, to: path)
    return Adapted(
      folder: folder, plain: plain, graph: graph, weights: path,
      parameters: parameters.mapValues { $0.map(Double.init) })
  }

  private static func logits(
    _ graph: Graph, _ parameters: [String: [Double]], _ expected: Fixture
  ) throws -> [Double] {
    let interpreter = Interpreter(
      graph, mode: .evaluation, tokens: try expected.integers("tokens", step: 0),
      targets: try expected.integers("targets", step: 0), parameters: parameters)
    return try #require(try interpreter.run([.logits]).logits)
  }

  /// The largest difference.
  private static func largest<Number: FloatingPoint>(_ a: [Number], _ b: [Number]) -> Number {
    zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
  }

  private static let names = [
    "llama", "llama-sharded", "gpt2", "mixtral", "qwen2-moe", "qwen3-moe", "olmoe", "gpt-oss",
  ]

  @Test("Merged weights give the same logits, also as a folder of transformers", arguments: names)
  func merged(_ name: String) throws {
    let adapted = try Self.adapted(name, on: [.all])
    let expected = try Self.logits(adapted.graph, adapted.parameters, adapted.folder.expected)
    let before = try Self.logits(adapted.plain, adapted.parameters, adapted.folder.expected)
    let merged = try ModelFixture.folder() + "/merged.safetensors"
    let command = try Moec.run(["weights", "merge", adapted.weights, merged])
    #expect(command.status == 0, "\(command.errors)")
    let numbers = try Folder.tensors([merged]).mapValues { $0.numbers.map(Double.init) }
    #expect(numbers.keys.sorted() == adapted.plain.parameters.map(\.parameter.name).sorted())
    let found = try Self.logits(adapted.plain, numbers, adapted.folder.expected)
    let largest = expected.map(abs).max() ?? 1
    #expect(Self.largest(found, expected) < 1e-6 * largest)
    #expect(Self.largest(before, expected) > 1e-2 * largest)

    let decoder = try DecoderModel(graph: adapted.plain)
    let places = try [adapted.weights, merged].map { weights in
      let place = try ModelFixture.folder() + "/model.safetensors"
      try FolderExport(decoder, weights: weights).writeWeights(to: place)
      return place
    }
    let (one, other) = (try Folder.tensors([places[0]]), try Folder.tensors([places[1]]))
    #expect(one.keys == other.keys)
    for (name, tensor) in one { #expect(tensor.numbers == other[name]?.numbers, "\(name)") }
  }

  @Test("Parts that lie side by side in one of theirs have ranks side by side")
  func layout() throws {
    let adapted = try Self.adapted("mixtral", on: [.all])
    let export = try AdapterExport(
      try DecoderModel(graph: adapted.plain), weights: adapted.weights)
    let file = try ModelFixture.folder() + "/adapter_model.safetensors"
    try export.writeWeights(to: file)
    let tensors = try Folder.tensors([file])
    let room = "base_model.model.model.layers.0."
    #expect(tensors[room + "self_attn.q_proj.lora_A.weight"]?.shape == [3, 16])
    #expect(tensors[room + "self_attn.k_proj.lora_B.weight"]?.shape == [8, 3])
    #expect(tensors[room + "mlp.gate.lora_A.weight"]?.shape == [3, 16])
    #expect(tensors[room + "mlp.experts.lora_A.weight"]?.shape == [3 * 4, 12])
    #expect(tensors[room + "mlp.experts.base_layer.lora_A.weight"]?.shape == [6 * 4, 16])
    let both = try #require(tensors[room + "mlp.experts.base_layer.lora_B.weight"])
    #expect(both.shape == [2 * 12, 6 * 4])
    // The gate's number 1 of expert 2, output 5; beside it the up's, which adds nothing to gates.
    let gate = try #require(adapted.parameters["block.0.mixture.gate.lora_b"])
    let place = 5 * 24 + 1 * 4 + 2
    let own = (2 * 12 + 5) * 3 + 1
    #expect(Double(both.numbers[place]) == gate[own])
    let beside = 5 * 24 + 4 * 4 + 2
    #expect(both.numbers[beside] == 0)
    let config = try JSON.parse(export.config(base: "base"))
    #expect(config["r"]?.whole == 3 && config["lora_alpha"]?.whole == 2)
    #expect(config["base_model_name_or_path"]?.name == "base")
    let modules = config["target_modules"]?.elements?.compactMap(\.name)
    #expect(modules == ["q_proj", "k_proj", "v_proj", "o_proj"])
    let parameters = config["target_parameters"]?.elements?.compactMap(\.name)
    #expect(parameters == ["mlp.gate.weight", "mlp.experts.gate_up_proj", "mlp.experts.down_proj"])
    let patterns = config["rank_pattern"]?.members?.map(\.name) ?? []
    #expect(
      patterns == [0, 1].map { "model.layers.\($0).mlp.experts.gate_up_proj" }, "\(patterns)")
  }

  /// A Python with PEFT, named by MOEC_TORCH_PYTHON or the usual one.
  private static let python: String? = {
    let named = ProcessInfo.processInfo.environment["MOEC_TORCH_PYTHON"] ?? "python3"
    let test = try? Command.run("/usr/bin/env", [named, "-c", "import torch, transformers, peft"])
    return test?.status == 0 ? named : nil
  }()

  @Test(
    "PEFT loads exported adapters, and computes the same",
    .enabled(if: python != nil, "needs a Python with peft, or MOEC_TORCH_PYTHON"))
  func peftLoadsThem() throws {
    var arguments: [String] = []
    for name in Self.names where name != "llama-sharded" {
      // Of one layer's weights alone too: then whole names are what PEFT is told.
      let some: [AdapterTarget] = [
        .kind(.attention), .named(ParameterPattern("block.1.mlp")),
        .named(ParameterPattern("block.1.mixture")),
      ]
      for targets in [[AdapterTarget.all], some.filter { name != "llama" || $0 != some[2] }] {
        guard let adapted = try? Self.adapted(name, on: targets.fitting(name)) else { continue }
        let expected = try Self.logits(adapted.graph, adapted.parameters, adapted.folder.expected)
        let place = try ModelFixture.folder()
        let export = try AdapterExport(
          try DecoderModel(graph: adapted.plain), weights: adapted.weights)
        try export.writeWeights(to: place + "/adapter_model.safetensors")
        try Data(export.config(base: nil)).write(
          to: URL(fileURLWithPath: place + "/adapter_config.json"))
        let logits = Safetensors.Output(name: "logits", shape: [expected.count]) {
          expected.map(Float.init)
        }
        try Safetensors.write([logits], metadata: [:], to: place + "/logits.safetensors")
        arguments += [adapted.folder.path, place, place + "/logits.safetensors"]
      }
    }
    let script = Moec.repository.appendingPathComponent("Tests/Scripts/load_adapters.py")
    let run = try Command.run(
      "/usr/bin/env", [Self.python ?? "python3", script.path] + arguments)
    #expect(run.status == 0, "\(run.errors)")
    let differences = run.output.matches(of: /"difference": (\S+), "moved": (\S+)\}/)
      .compactMap { match in Double(match.output.1).map { ($0, Double(match.output.2) ?? 0) } }
    #expect(differences.count == arguments.count / 3, "\(run.output)\(run.errors)")
    let areClose = differences.allSatisfy { difference, moved in difference < 1e-4 && moved > 1e-2 }
    #expect(areClose, "\(run.output)")
  }
}

extension [AdapterTarget] {
  /// Those of which a model has some.
  fileprivate func fitting(_ name: String) -> [AdapterTarget] {
    filter { target in
      guard case .named(let pattern) = target else { return true }
      return ["llama", "gpt2"].contains(name) == pattern.text.hasSuffix("mlp")
    }
  }
}
