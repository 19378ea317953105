import CompiledModels
import Exchange
import Foundation
import GraphIR
import HuggingFace
import Interpreter
import ModelFixtures
import Testing

/// Folders that transformers saved, as models of moec's and as folders again.
@Suite struct FolderTests {
  @Test("Logits and loss are transformers', and all tensors come back", arguments: Folder.names)
  func goesThereAndBack(_ name: String) throws {
    let folder = try Folder(name)
    let (source, graph, weights) = try folder.imported()
    try expectNumbers(of: graph, weights, folder.expected)
    let decoder = try DecoderModel(graph: graph)
    var visible = Self.visible(source.model)
    // A graph has YaRN's ramp, not what it was made of.
    if case .yarn? = visible.scaling { visible.scaling = decoder.scaling }
    #expect(decoder == visible)
    try decoder.check(graph, graph)

    let export = try FolderExport(decoder, weights: weights)
    let place = try ModelFixture.folder()
    try export.writeWeights(to: place + "/model.safetensors")
    try Data(try export.config()).write(to: URL(fileURLWithPath: place + "/config.json"))
    let again = try FolderImport(folder: place, context: 9)
    var found = again.model
    found.longest = decoder.longest
    #expect(found == decoder)
    guard name != "mixtral-stacked" else { return }
    var expected = try folder.tensors()
    if name == "gpt2" { expected["transformer.wpe.weight"]?.shape = [9, 16] }
    let tensors = try Folder.tensors([place + "/model.safetensors"])
    #expect(tensors.keys.sorted() == expected.keys.sorted())
    for (name, tensor) in tensors {
      #expect(tensor.shape == expected[name]?.shape, "\(name)")
      let numbers = expected[name]?.numbers.prefix(tensor.numbers.count)
      #expect(numbers.map(Array.init) == tensor.numbers, "\(name)")
    }
  }

  /// Weights as they were would be 1e-3 of the logits and more away.
  @Test("Three steps of AdamW are transformers'", arguments: Folder.names)
  func trains(_ name: String) throws {
    let folder = try Folder(name)
    let trained = try folder.trained()
    #expect(trained.losses.count == 3)
    #expect(trained.lossDifference < 1e-5)
    #expect(trained.logitDifference < 1e-4)
    print("steps of \(name): losses \(trained.lossDifference), logits \(trained.logitDifference)")
  }

  /// What a graph says of a decoder: nothing of positions that it has not.
  private static func visible(_ model: DecoderModel) -> DecoderModel {
    var model = model
    model.longest = 9
    return model
  }

  private func expectNumbers(of graph: Graph, _ weights: String, _ expected: Fixture) throws {
    let parameters = try Folder.tensors([weights]).mapValues { $0.numbers.map(Double.init) }
    #expect(graph.parameters.map(\.parameter.name).sorted() == parameters.keys.sorted())
    let run = try Interpreter(
      graph, mode: .evaluation, tokens: try expected.integers("tokens", step: 0),
      targets: try expected.integers("targets", step: 0), parameters: parameters
    ).run()
    let logits = try #require(try expected.numbers("logits"))
    let largest = logits.map(abs).max() ?? 1
    let found = try #require(run.logits)
    #expect(found.count == logits.count)
    for (a, b) in zip(found, logits) { #expect(abs(Float(a) - b) < 1e-6 * largest) }
    let loss = try #require(try expected.numbers("loss")?.first)
    #expect(abs(Float(run.objective ?? .nan) - loss) < 1e-5)
  }

  /// The stacked names of transformers 5 and those that it saves are one model.
  @Test func stackedNamesAreReadToo() throws {
    let stacked = try Folder("mixtral-stacked").tensors()
    #expect(stacked.keys.contains("model.layers.0.mlp.experts.gate_up_proj"))
  }
}
