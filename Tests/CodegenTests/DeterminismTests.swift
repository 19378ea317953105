import Codegen
import CompiledModels
import GraphIR
import ModelRuntime
import Planning
import Testing

/// The same bytes of C every time, and the same bits of parameters for any number of threads.
@Suite struct DeterminismTests {
  @Test("A model's C has the same bytes every time")
  func sameBytes() throws {
    let texts = try (0..<2).map { _ in
      let compiled = try Pipelines.plan(MakeMoE("twice") { $0.capacity = 1 }.graph())
      return GeneratedModel(compiled, .init(sourceName: "twice.swift", compilerLine: "cc")).files
    }
    #expect(texts[0] == texts[1])
  }

  @Test("Small sizes that are no multiple of anything")
  func smallModel() throws {
    let model = MakeMoE("threads") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (5, 13, 17, 40, 5, 2)
      ($0.experts, $0.chosen, $0.dropout) = (5, 3, 0.1)
    }
    try expectSameBits(CompiledModel(model.graph(), optimisation: .full).library)
  }

  @Test("A tied head, whose table has two gradients")
  func tiedModel() throws {
    let model = MakeMoE("tied-threads") {
      ($0.B, $0.T, $0.V, $0.C, $0.isTied) = (4, 24, 65, 24, true)
    }
    try expectSameBits(CompiledModel(model.graph()).library)
  }

  @Test("Products of the same rows, with few rows and with many")
  func gatedModel() throws {
    for size in [(2, 7, 12), (5, 31, 144)] {
      let model = GatedModel { ($0.B, $0.T, $0.C) = size }
      try expectSameBits(CompiledModel(model.graph(), optimisation: .full).library)
    }
  }

  @Test("Examples/makemoe.swift")
  func makemoe() throws {
    try expectSameBits(ModelLibrary(path: Moec.makemoe().library))
  }

  /// One thread twice, then more threads than there are cores.
  private func expectSameBits(_ library: ModelLibrary) throws {
    let (losses, bits) = try fiveSteps(library, threads: 1)
    for threads in 1...4 {
      let (otherLosses, otherBits) = try fiveSteps(library, threads: threads)
      #expect(otherLosses == losses, "\(threads) threads")
      #expect(otherBits == bits, "\(threads) threads")
    }
  }

  private func fiveSteps(
    _ library: ModelLibrary, threads: Int
  ) throws -> (losses: [Float], bits: [[UInt32]]) {
    let model = try Model(library)
    try model.setThreads(threads)
    model.initialize(seed: 11)
    let manifest = library.manifest
    let ids = { (number: Int) in
      (0..<manifest.batch * manifest.context).map { index in
        Int32((index * 7919 + number * 104_729 + index / 3) % manifest.vocabulary)
      }
    }
    let losses = try (0..<5).map { step in
      try model.trainStep(
        tokens: ids(2 * step), targets: ids(2 * step + 1),
        with: Hyperparameters(manifest.defaults, seed: UInt64(step)))
    }
    // A training step keeps no gradients.
    _ = try model.gradients(tokens: ids(10), targets: ids(11), seed: 5)
    return (losses, try model.allBits())
  }
}
