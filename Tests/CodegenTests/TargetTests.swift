import Codegen
import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Testing
import Toolchain

/// One model built for several processors: it learns the same everywhere.
@Suite struct TargetTests {
  static let model = MakeMoE("target") {
    ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (3, 13, 17, 40, 5, 2)
    ($0.experts, $0.chosen, $0.dropout) = (5, 2, 0.1)
  }

  /// The model's sources, where they lie, and how the library for this machine learns.
  struct Native {
    let code: GeneratedModel
    let folder: URL
    let losses: [Float]
  }

  private static let built = Result {
    let compiled = try CompiledModel(model.graph())
    return Native(
      code: compiled.code, folder: compiled.folder, losses: try losses(of: compiled.library))
  }

  /// Makes the library that `moec compile --target` would make, in less time if it need not be quick
  /// itself; gives its path.
  private static func compile(
    _ code: GeneratedModel, in folder: URL, target: String,
    optimisation: CompileOptions.Optimisation = .full
  ) throws -> String {
    var options = CompileOptions(target: target)
    options.optimisation = optimisation
    let output = folder.appendingPathComponent("\(target).so")
    let choice = try CCompilerSearch(cache: ContentCache(folder: nil)).choose(for: options)
    let sources = code.sources.map { folder.appendingPathComponent($0) }
    let warnings = try choice.compiler.compileLibrary(
      sources: sources, output: output, options: options)
    #expect(warnings == "")
    return output.path
  }

  /// What `driver` prints: the losses of some steps, then that of an evaluation.
  private static func losses(of library: ModelLibrary) throws -> [Float] {
    let model = try Model(library)
    model.initialize(seed: 7)
    let count = Self.model.B * Self.model.T
    var tokens: [Int32] = []
    var targets: [Int32] = []
    var losses: [Float] = []
    for step in 0..<4 {
      tokens = (0..<count).map { Int32(($0 * 7 + step) % Self.model.V) }
      targets = (0..<count).map { Int32(($0 * 5 + step) % Self.model.V) }
      var hyper = Hyperparameters(library.manifest.defaults, seed: UInt64(step))
      (hyper.learningRate, hyper.weightDecay) = (1e-2, 0.01)
      losses.append(try model.trainStep(tokens: tokens, targets: targets, with: hyper))
    }
    return losses + [try model.loss(tokens: tokens, targets: targets, seed: 1)]
  }

  /// Makes a program of the model and `driver`, by the library's command line with a `change`.
  private static func program(
    _ native: Native, target: String, _ change: (String) -> String
  ) throws -> String {
    let name = "driver-\(target)"
    try Data(driver.utf8).write(to: native.folder.appendingPathComponent("\(name).c"))
    let options = CompileOptions(target: target)
    let choice = try CCompilerSearch(cache: ContentCache(folder: nil)).choose(for: options)
    let line = try change(
      choice.compiler.commandLine(
        sources: native.code.sources + ["\(name).c"], output: name, options: options))
    let built = try Command.run("/bin/sh", ["-c", line], in: native.folder.path)
    try #require(built.status == 0, "\(line)\n\(built.errors)")
    return native.folder.appendingPathComponent(name).path
  }

  private func expect(_ losses: [Float], _ expected: [Float], tolerance: Float) {
    #expect(losses.count == expected.count)
    for (loss, expected) in zip(losses, expected) {
      #expect(abs(loss - expected) <= tolerance * abs(expected), "\(loss) for \(expected)")
    }
  }

  // MARK: - x86-64

  static let isX86: Bool = {
    #if arch(x86_64) && os(Linux)
      true
    #else
      false
    #endif
  }()

  @Test(
    "A library for a level of x86-64 learns as the native one, or is refused",
    .enabled(if: isX86, "not an x86-64 Linux machine"),
    arguments: ["x86-64", "x86-64-v3", "x86-64-v4"])
  func levels(target: String) throws {
    let native = try Self.built.get()
    let path = try Self.compile(
      native.code, in: native.folder, target: target,
      optimisation: target == "x86-64" ? .full : .quick)
    do {
      expect(try Self.losses(of: ModelLibrary(path: path)), native.losses, tolerance: 1e-5)
    } catch LibraryError.otherProcessor(_, let feature) {
      // Every processor runs the first level.
      #expect(target != "x86-64", "\(feature)")
    }
  }

  static let emulatesX86 =
    (try? Command.run("/usr/bin/env", ["qemu-x86_64", "-cpu", "Nehalem", "/bin/true"]))?.status == 0

  @Test(
    "A processor without AVX2 is told what it lacks before anything else runs",
    .enabled(if: isX86, "not an x86-64 Linux machine"),
    .enabled(if: emulatesX86, "qemu-user is not installed"))
  func olderProcessor() throws {
    let program = try Self.program(Self.built.get(), target: "x86-64-v3") {
      $0.replacingOccurrences(of: " -shared ", with: " ")
        .replacingOccurrences(of: " -O3 ", with: " -O1 ")
    }
    let ran = try Command.run("/usr/bin/env", ["qemu-x86_64", "-cpu", "Nehalem", program])
    #expect(ran.status == 3, "\(ran.errors)")
    #expect(ran.output == "avx2\n")
  }

  // MARK: - aarch64

  /// Why this machine cannot build for arm64; nil if it can.
  static let noCrossCompiler: String? = {
    do {
      let options = CompileOptions(target: "aarch64")
      _ = try CCompilerSearch(cache: ContentCache(folder: nil)).choose(for: options)
      return nil
    } catch {
      return "\(error)"
    }
  }()

  static let emulator = ["qemu-aarch64", "qemu-aarch64-static"].first { name in
    (try? Command.run("/usr/bin/env", [name, "--version"]))?.status == 0
  }

  @Test(
    "A library for arm64 is built without a warning, and refused on x86-64",
    .enabled(if: isX86, "not an x86-64 Linux machine"),
    .enabled(if: noCrossCompiler == nil, "no C compiler here builds for aarch64"))
  func arm64Library() throws {
    let native = try Self.built.get()
    let path = try Self.compile(
      native.code, in: native.folder, target: "aarch64", optimisation: .quick)
    let header = try Data(contentsOf: URL(fileURLWithPath: path)).prefix(20)
    #expect(header.suffix(2) == Data([183, 0]), "e_machine is EM_AARCH64")
    #expect(throws: LibraryError.self) { try ModelLibrary(path: path) }
  }

  @Test(
    "The C for arm64 learns under emulation as the native library",
    .enabled(if: isX86, "not an x86-64 Linux machine"),
    .enabled(if: noCrossCompiler == nil, "no C compiler here builds for aarch64"),
    .enabled(if: emulator != nil, "qemu-user is not installed"))
  func arm64Program() throws {
    let native = try Self.built.get()
    let emulator = try #require(Self.emulator)
    // Static, so that the emulator needs no arm64 system around it.
    let program = try Self.program(native, target: "aarch64") {
      $0.replacingOccurrences(of: " -shared ", with: " -static ")
    }
    let ran = try Command.run("/usr/bin/env", [emulator, program])
    try #require(ran.status == 0, "\(ran.errors)")
    let losses = ran.output.split(separator: "\n").compactMap { Float($0) }
    expect(losses, native.losses, tolerance: 1e-4)
  }

  /// The same as `losses`, in C.
  static let driver = #"""
    #include "model.h"
    #include "moec_model.h"
    #include <stdio.h>

    int main(void) {
        enum { COUNT = MODEL_BATCH * MODEL_CONTEXT };
        int32_t tokens[COUNT], targets[COUNT];
        if (moec_missing_feature()) {
            puts(moec_missing_feature());
            return 3;
        }
        moec_model *m = moec_create();
        if (!m) { return 2; }
        moec_initialize(m, 7);
        for (int step = 0; step < 4; step++) {
            for (int i = 0; i < COUNT; i++) {
                tokens[i] = (i * 7 + step) % MODEL_VOCABULARY;
                targets[i] = (i * 5 + step) % MODEL_VOCABULARY;
            }
            moec_hyper hyper = {1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, (uint64_t)step};
            printf("%.9g\n", moec_train_step(m, tokens, targets, &hyper));
        }
        printf("%.9g\n", moec_loss(m, tokens, targets, 1));
        moec_destroy(m);
        return 0;
    }
    """#
}
