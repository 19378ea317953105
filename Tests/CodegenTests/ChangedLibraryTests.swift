import Comparison
import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Testing
import Toolchain

/// Libraries whose C has a fault that the first step, or a text that only grows, does not show.
@Suite struct ChangedLibraryTests {
  private let compiled: CompiledModel

  init() throws {
    let model = MakeMoE("changed") {
      ($0.B, $0.T, $0.experts, $0.chosen) = (1, 3, 6, 2)
      $0.isNoisyInEvaluation = false
    }
    compiled = try CompiledModel(model.graph())
  }

  /// The model's library with another text in a file of its C.
  private func library(_ file: String, _ text: String, by other: String) throws -> ModelLibrary {
    let folder = try CompiledModel.write(compiled.code)
    let path = folder.appendingPathComponent(file)
    let code = try String(contentsOf: path, encoding: .utf8)
    #expect(code.contains(text))
    try Data(code.replacingOccurrences(of: text, with: other).utf8).write(to: path)
    var options = CompileOptions()
    options.optimisation = .none
    let output = folder.appendingPathComponent("changed.so")
    try CompiledModel.compiler().compileLibrary(
      sources: compiled.code.sources.map { folder.appendingPathComponent($0) }, output: output,
      options: options)
    return try ModelLibrary(path: output.path)
  }

  /// What several comparisons call wrong.
  private func wrong(_ library: ModelLibrary) throws -> Set<String> {
    let reports = try (1...6).compactMap {
      try Comparison(compiled.reference, library, seed: $0).report()
    }
    #expect(reports.count > 2)
    return Set(reports.flatMap(\.wrong).map(\.name))
  }

  @Test("A gradient that is not cleared before the second step is found, and in no first step")
  func notCleared() throws {
    let found = try wrong(
      library(
        "kernels/embedding.h", "memset(d_table, 0,", by: "if (d_table[0] == 0) memset(d_table, 0,"))
    #expect(found.contains { $0.hasSuffix("in a second step") }, "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("gradient of") }, "\(found)")
  }

  @Test("A gradient that an expert without rows has of the last text is found")
  func ofTheLastText() throws {
    let found = try wrong(
      library(
        "kernels/expert_linear_weight_gradient.c", "r == 0 || r < b->rows", by: "r < b->rows"))
    #expect(!found.isEmpty && found.allSatisfy { $0.hasSuffix("after others") }, "\(found)")
  }

  @Test("An update by another expert's count of steps is found")
  func otherCount() throws {
    let found = try wrong(library("kernels/adamw.h", "count, steps + e,", by: "count, steps,"))
    #expect(found.contains { $0.hasSuffix("after step 2") }, "\(found)")
  }

  @Test("Two norms that are mixed up are found")
  func otherNorm() throws {
    let found = try wrong(
      library("block.c", "p->mixture_norm_weight", by: "p->attention_norm_weight"))
    #expect(found.contains("evaluation loss"), "\(found)")
  }

  @Test("What is kept of another text is found in the logits of the next token")
  func otherText() throws {
    let changed = try library("evaluation.c", " && tokens[past] == m->tokens[past]", by: "")
    #expect(try NextCheck(compiled.reference, changed, seed: 1).differences().count > 1)
    #expect(try NextCheck(compiled.reference, compiled.library, seed: 1).differences().isEmpty)
  }
}
