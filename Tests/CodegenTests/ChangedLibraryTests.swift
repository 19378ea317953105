import Comparison
import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Testing
import Toolchain

/// Libraries whose C has a fault that few results show.
@Suite struct ChangedLibraryTests {
  /// A text in a file of a model's C, and what stands there instead.
  struct Fault: Sendable, CustomTestStringConvertible {
    let file: String
    let text: String
    let other: String

    init(_ file: String, _ text: String, _ other: String) {
      (self.file, self.text, self.other) = (file, text, other)
    }

    var testDescription: String { "\(file): \(other)" }
  }

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

  @Test(
    "What the first batch does not show is found in the second, and there alone",
    arguments: [
      // A gradient that is not cleared before; one that an expert without rows has of the last text.
      .init("kernels/embedding.h", "memset(d_table, 0,", "if (d_table[0] == 0) memset(d_table, 0,"),
      .init("kernels/expert_linear_weight_gradient.c", "r == 0 || r < b->rows", "r < b->rows"),
      // The seed of the step before.
      .init("training.c", "m->targets, seed);", "m->targets, m->used_up ? seed - 1 : seed);"),
      // Gradients that go on to update.
      .init(
        "training.c", "model_bind_updates(m, h ? &step : NULL);",
        "static adamw_numbers left; left = step; if (h) { model_bind_updates(m, &left); }"),
      // What is kept of a text by the parameters before; evaluation as in training.
      .init("training.c", "m->kept = 0;", ""),
      .init(
        "evaluation.c", "const model_pass pass = model_batch(lane, tokens, targets, seed);",
        "model_pass pass = model_batch(lane, tokens, targets, seed); pass.training = lane->used_up;"
      ),
      // Too many steps; steps of experts that had rows once; the numbers of the first step.
      .init(
        "adamw.c", "!m->start[i] || used[e] < used[e + 1];",
        "(!m->start[i] || used[e] < used[e + 1]) * (q->steps[e] > 0 ? 5 : 1);"),
      .init(
        "training.c", "int32_t was = m->batches ?",
        "int32_t was = m->batches || !(m->parameter[i].row.holds & IN_BACKWARD) ?"),
      .init(
        "training.c", "const adamw_numbers step = h ? numbers_of(h) :",
        "static moec_hyper first; if (h && first.epsilon == 0) { first = *h; }\n"
          + "const adamw_numbers step = h ? numbers_of(&first) :"),
    ] as [Fault])
  func ofTheSecondBatch(fault: Fault) throws {
    let found = try wrong(library(fault.file, fault.text, by: fault.other))
    #expect(!found.isEmpty)
    #expect(
      found.allSatisfy { $0.hasSuffix("second batch") || $0.hasSuffix("step 2") }, "\(found)")
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
