import CompiledModels
import Driver
import Exchange
import Foundation
import GraphIR
import HuggingFace
import Interpreter
import ModelFixtures
import Toolchain
import Upcycling

/// A small random model as transformers saved it, and what transformers made of a text.
struct Folder {
  static let names = [
    "llama", "llama-sharded", "gpt2", "mixtral", "mixtral-stacked", "qwen2-moe", "qwen3",
    "qwen3-moe", "olmoe", "gpt-oss", "llama-3", "gpt-oss-yarn",
  ]

  let name: String
  let path: String
  let expected: Fixture

  init(_ name: String) throws {
    self.name = name
    path = Moec.repository.appendingPathComponent("Tests/Fixtures/folders/\(name)").path
    expected = try Fixture("folders/\(name)/expected")
  }

  /// A copy of its own for a test to change.
  static func copy(_ name: String) throws -> String {
    let place = try ModelFixture.folder() + "/folder"
    try FileManager.default.copyItem(atPath: try Folder(name).path, toPath: place)
    return place
  }

  /// Imported into a folder of its own: what was read, the graph of its model.swift, and the weights.
  func imported() throws -> (source: FolderImport, graph: Graph, weights: String) {
    let source = try FolderImport(folder: path, context: 9)
    let folder = try ModelFixture.folder()
    let text = ModelText(source.model, name: "small", context: 9, batch: 2, origin: "a test")
    try text.text.write(toFile: folder + "/model.swift", atomically: true, encoding: .utf8)
    let weights = folder + "/weights.safetensors"
    try source.writeWeights(
      to: weights, notes: CheckpointNotes(model: "small", vocabulary: [], step: 0))
    var compilation = Compilation(model: folder + "/model.swift")
    compilation.cache = try Folder.cache.get()
    return (source, try compilation.trace().graph, weights)
  }

  private static let cache = Result {
    ContentCache(folder: URL(fileURLWithPath: try ModelFixture.folder()))
  }

  /// All tensors of files, by name.
  static func tensors(_ paths: [String]) throws -> [String: (shape: [Int], numbers: [Float])] {
    var tensors: [String: (shape: [Int], numbers: [Float])] = [:]
    for path in paths {
      let file = try Safetensors(path: path)
      for tensor in file.tensors {
        tensors[tensor.name] = (tensor.shape, try file.numbers(tensor))
      }
    }
    return tensors
  }

  /// The folder's own.
  func tensors() throws -> [String: (shape: [Int], numbers: [Float])] {
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    return try Folder.tensors(
      names.filter { $0.hasPrefix("model") && $0.hasSuffix(".safetensors") }.map { "\(path)/\($0)" }
    )
  }
}

extension Folder {
  /// A dense one as a mixture: what it is, the graph of its model.swift, and its weights.
  func upcycled(
    _ shape: MixtureShape, _ options: Upcycling.Options = .init()
  ) throws -> (model: DecoderModel, graph: Graph, weights: String) {
    let source = try FolderImport(folder: path, context: 9)
    let model = try source.model.upcycled(shape, path: path)
    let folder = try ModelFixture.folder()
    let text = ModelText(model, name: "small", context: 9, batch: 2, origin: "a test")
    try text.text.write(toFile: folder + "/model.swift", atomically: true, encoding: .utf8)
    var compilation = Compilation(model: folder + "/model.swift")
    compilation.cache = try Folder.cache.get()
    let graph = try compilation.trace().graph
    let weights = folder + "/weights.safetensors"
    let upcycling = try Upcycling(
      source.weights, into: graph, options, names: (path, "small"))
    try Safetensors.write(upcycling.outputs, metadata: [:], to: weights)
    return (model, graph, weights)
  }
}
