import CompiledModels
import Foundation
import GraphIR
import HuggingFace
import Interpreter
import ModelFixtures
import Testing

/// Dense folders that become mixtures as they are imported.
@Suite struct UpcycledFolderTests {
  /// A small folder, the mixture that is made of it, and the architecture that has such layers.
  struct Case: CustomStringConvertible, Sendable {
    var folder: String
    var shape: MixtureShape
    var architecture: Architecture?

    init(
      _ folder: String, _ experts: Int, _ chosen: Int, every: Int = 1, granularity: Int = 1,
      shared: Int = 0, _ architecture: Architecture? = nil
    ) {
      self.folder = folder
      shape = MixtureShape(experts: experts, chosen: chosen)
      (shape.every, shape.granularity, shape.shared) = (every, granularity, shared)
      shape.balance = every == 1 ? 0 : 0.01
      self.architecture = architecture
    }

    var description: String {
      "\(folder): \(shape.chosen) of \(shape.experts), every \(shape.every), \(shape.shared) of "
        + "\(shape.granularity) shared"
    }
  }

  static let cases = [
    Case("llama", 4, 2, .mixtral), Case("llama", 8, 4, granularity: 2, .mixtral),
    Case("llama", 4, 2, every: 2), Case("llama", 4, 2, shared: 1, .qwen2MoE),
    Case("llama", 6, 3, every: 2, granularity: 4, shared: 1, .qwen2MoE),
    Case("llama-sharded", 4, 2), Case("llama-sharded", 4, 2, every: 2, granularity: 2, shared: 1),
    Case("llama-3", 4, 2, .mixtral), Case("gpt2", 4, 2),
    Case("gpt2", 8, 4, every: 2, granularity: 2), Case("qwen3", 4, 2, every: 2, .qwen3MoE),
    Case("qwen3", 4, 1, shared: 1),
  ]

  @Test("Logits are those that transformers computed of the dense folder", arguments: cases)
  func computesTheSame(_ one: Case) throws {
    let folder = try Folder(one.folder)
    let (model, graph, weights) = try folder.upcycled(one.shape)
    let parameters = try Folder.tensors([weights]).mapValues { $0.numbers.map(Double.init) }
    let run = try Interpreter(
      graph, mode: .evaluation, tokens: try folder.expected.integers("tokens", step: 0),
      parameters: parameters
    ).run([.logits])
    let logits = try #require(try folder.expected.numbers("logits"))
    let largest = logits.map(abs).max() ?? 1
    let found = try #require(run.logits)
    #expect(found.count == logits.count)
    for (a, b) in zip(found, logits) { #expect(abs(Float(a) - b) < 2e-6 * largest) }
    #expect(model.sparse.count == 2 / one.shape.every)
    if let architecture = one.architecture {
      #expect(try DecoderModel(graph: graph).architecture == architecture)
    } else {
      #expect(throws: FolderError.self) { _ = try DecoderModel(graph: graph) }
    }
  }

  @Test func whatIsNoMixtureIsSaid() throws {
    func message(_ folder: String, _ change: (inout MixtureShape) -> Void) throws -> String {
      var shape = MixtureShape(experts: 4, chosen: 2)
      change(&shape)
      let source = try FolderImport(folder: try Folder(folder).path)
      do {
        _ = try source.model.upcycled(shape, path: folder)
        return "nothing is wrong"
      } catch { return error.message }
    }
    #expect(try message("mixtral") { _ in } == "mixtral: its layers have experts already")
    #expect(try message("llama") { $0.chosen = 5 }.contains("5 of 4 experts cannot be chosen"))
    #expect(try message("llama") { $0.every = 3 }.contains("it has 2 layers"))
    #expect(try message("llama") { $0.granularity = 5 }.contains("cannot be cut into 5 slices"))
    #expect(try message("llama") { $0.shared = 2 }.contains("2 slices of 1 cannot be shared"))
    #expect(try message("gpt2") { $0.shared = 1 }.contains("its MLP has no gate"))
    let odd = try message("llama") { ($0.granularity, $0.chosen) = (2, 3) }
    #expect(odd.contains("2 experts are one copy of the MLP, and 3 chosen experts"), "\(odd)")
  }

  @Test func whatNoArchitectureHasIsRefused() throws {
    func reason(_ one: Case) throws -> String {
      let graph = try Folder(one.folder).upcycled(one.shape).graph
      do {
        _ = try DecoderModel(graph: graph)
        return "nothing is wrong"
      } catch { return error.message }
    }
    #expect(
      try reason(Case("llama", 4, 2, every: 2)).contains(
        "its layer 0 has no experts, and all of mixtral's have"))
    #expect(try reason(Case("gpt2", 4, 2)).contains("gpt2 has no experts"))
    #expect(
      try reason(Case("llama-sharded", 4, 2)).contains("mixtral's attention has no biases"))
  }
}
