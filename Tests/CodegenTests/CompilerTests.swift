import Codegen
import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import Testing

/// Generated files under every C compiler there is.
@Suite struct CompilerTests {
  static let compilers = ["clang", "clang-14", "gcc"]

  static func isThere(_ compiler: String) -> Bool {
    let result = try? Command.run("/usr/bin/env", [compiler, "--version"])
    return result?.status == 0
  }

  static let models = [
    MakeMoE("noisy") { $0.dropout = 0.2 },
    MakeMoE("capacity") { ($0.capacity, $0.isNoisy) = (1, false) },
  ]

  @Test(
    "No warning with -Wall -Wextra, with OpenMP and vectors and without either",
    arguments: compilers)
  func isClean(compiler: String) throws {
    guard Self.isThere(compiler) else { return }  // `theCompilers` says so
    for (index, model) in Self.models.enumerated() {
      let code = GeneratedModel(
        try Pipelines.plan(model.graph()), .init(sourceName: "model.swift"))
      let folder = try CompiledModel.write(code)
      // Kernels are the same in both models.
      let sources = code.sources.filter { index == 0 || !$0.hasPrefix("kernels/") }
      for flags in [["-march=native", "-fopenmp"], ["-Wno-unknown-pragmas"]] {
        try expectClean(compiler, ["-fsyntax-only"] + flags, sources, in: folder)
      }
    }
  }

  @Test("No warning of the optimiser", arguments: compilers)
  func isCleanOptimised(compiler: String) throws {
    guard Self.isThere(compiler) else { return }
    let code = GeneratedModel(
      try Pipelines.plan(Self.models[0].graph()), .init(sourceName: "model.swift"))
    let flags = ["-O3", "-march=native", "-fopenmp", "-fPIC", "-c", "-o", "/dev/null"]
    try expectClean(compiler, flags, ["block.c"], in: CompiledModel.write(code))
  }

  private func expectClean(
    _ compiler: String, _ flags: [String], _ sources: [String], in folder: URL
  ) throws {
    let warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    let result = try Command.run(
      "/usr/bin/env", [compiler] + warnings + flags + sources, in: folder.path)
    #expect(result.status == 0, "\(compiler) \(flags): \(result.errors)")
  }

  @Test("At least one compiler is there; those that are not are named")
  func theCompilers() {
    let absent = Self.compilers.filter { !Self.isThere($0) }
    #expect(absent.count < Self.compilers.count)
    if !absent.isEmpty { print("not installed, so not tried: \(absent.joined(separator: ", "))") }
  }

  @Test(
    "Every header compiles alone, and for processors without vectors",
    .enabled(if: isThere("gcc"), "gcc is not installed"))
  func headersStandAlone() throws {
    let code = GeneratedModel(
      try Pipelines.plan(Self.models[0].graph()), .init(sourceName: "model.swift"))
    let folder = try CompiledModel.write(code)
    for header in code.files.map(\.path) where header.hasSuffix(".h") {
      let result = try Command.run(
        "/usr/bin/env",
        ["gcc", "-std=c11", "-x", "c", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
          + ["-Wno-unknown-pragmas", "-fsyntax-only", "-include", header, "/dev/null"],
        in: folder.path)
      #expect(result.status == 0, "\(header): \(result.errors)")
    }
  }
}

/// Train steps of a small model under the address and undefined-behaviour checks.
@Suite struct SanitizerTests {
  /// The first compiler whose runtime is installed.
  static let compiler = ["clang-14", "clang", "gcc"].first { compiler in
    let script =
      "cd \"$1\" && echo 'int main(void) { return 0; }' > a.c && "
      + "\(compiler) -fsanitize=address,undefined a.c -o a && ./a"
    guard let folder = try? ModelFixture.folder() else { return false }
    return (try? Command.run("/bin/sh", ["-c", script, "sh", folder]))?.status == 0
  }

  static let models = [
    MakeMoE("idle-experts") { ($0.B, $0.T, $0.experts, $0.chosen, $0.dropout) = (1, 3, 9, 2, 0.3) },
    MakeMoE("no-room") { ($0.B, $0.T, $0.experts, $0.capacity) = (1, 3, 8, 1) },
    MakeMoE("odd") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (3, 13, 17, 40, 5, 2)
      ($0.experts, $0.chosen, $0.dropout) = (5, 3, 0.1)
    },
  ]

  @Test(
    "No fault and no leak",
    .enabled(if: compiler != nil, "no compiler here has the sanitizers' runtime"),
    arguments: models)
  func isClean(model: MakeMoE) throws {
    let compiler = try #require(Self.compiler)
    let code = GeneratedModel(
      try Pipelines.plan(model.graph()), .init(sourceName: "model.swift"))
    let folder = try CompiledModel.write(code)
    try Data(Self.driver.utf8).write(to: folder.appendingPathComponent("driver.c"))
    // Unoptimised and for plain processors: checks make unrolled loops slow to compile.
    let flags = [
      "-std=c11", "-O0", "-g", "-Wno-unknown-pragmas",
      "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", "driver",
    ]
    let built = try Command.run(
      "/usr/bin/env", [compiler] + flags + code.sources + ["driver.c", "-lm"], in: folder.path)
    try #require(built.status == 0, "\(built.errors)")
    let ran = try Command.run(folder.appendingPathComponent("driver").path, [])
    #expect(ran.status == 0, "\(ran.errors)")
  }

  /// Calls every function of the interface, with good arguments and with bad ones.
  static let driver = #"""
    #include "model.h"
    #include "moec_model.h"
    #include <math.h>
    #include <stdlib.h>

    int main(void) {
        moec_model *m = moec_create();
        if (!m || moec_abi() != MOEC_ABI || !moec_manifest()) { return 2; }
        moec_initialize(m, 7);
        int count = MODEL_BATCH * MODEL_CONTEXT, bad = 0;
        int32_t *tokens = calloc(count, sizeof *tokens), *targets = calloc(count, sizeof *targets);
        float *logits = calloc((size_t)MODEL_CONTEXT * MODEL_VOCABULARY, sizeof *logits);
        for (int step = 0; step < 3; step++) {
            for (int i = 0; i < count; i++) {
                tokens[i] = (i * 7 + step) % MODEL_VOCABULARY;
                targets[i] = (i * 5 + step) % MODEL_VOCABULARY;
            }
            moec_hyper hyper = {1e-3f, 0.9f, 0.999f, 1e-8f, 0.01f, (uint64_t)step};
            bad |= !isfinite(moec_train_step(m, tokens, targets, &hyper));
            bad |= !isfinite(moec_loss(m, tokens, targets, 1));
        }
        bad |= !isfinite(moec_gradients(m, tokens, targets, 1));  // a step keeps none to be read
        for (int length = 1; length <= MODEL_CONTEXT; length++) { bad |= moec_logits(m, tokens, length, 1, logits); }
        bad |= !moec_logits(m, tokens, 0, 1, logits) || !moec_logits(m, tokens, MODEL_CONTEXT + 1, 1, logits);
        tokens[count - 1] = MODEL_VOCABULARY;
        bad |= !isnan(moec_loss(m, tokens, targets, 1)) || !moec_error(m)[0];
        tokens[count - 1] = -1;
        bad |= !isnan(moec_gradients(m, tokens, targets, 1)) || !moec_error(m)[0];
        for (int i = -1; i <= MODEL_PARAMETERS; i++) {
            int inside = i >= 0 && i < MODEL_PARAMETERS;
            size_t size = inside ? m->parameter[i].stored + 4096 : 1;
            float *values = calloc(size, sizeof *values);
            for (int kind = -1; kind <= 5; kind++) {
                int known = inside && kind >= 0 && kind <= 4;
                bad |= known != !moec_read(m, kind, i, values);
                bad |= known != !moec_write(m, kind, i, values);
            }
            free(values);
        }
        bad |= !moec_set_threads(m, 0) || moec_set_threads(m, 1);
        free(tokens), free(targets), free(logits);
        moec_destroy(m);
        moec_destroy(NULL);
        return bad;
    }
    """#
}
