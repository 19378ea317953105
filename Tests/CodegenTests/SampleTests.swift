import CompiledModels
import GraphIR
import Testing

/// Every op's generated C against the interpreter: a new op is tested by existing.
///
/// A sample's probes have the op's results as their gradients, so gradients show forward and
/// backward alike.
@Suite struct SampleTests {
  @Test("The library computes what the interpreter does", arguments: OpKind.allSamples)
  func agrees(sample: Sample) throws {
    let compiled = try CompiledModel(sample.graph)
    for seed in [1, 2] as [UInt64] {
      let found = try Trial(compiled, seed: seed).disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "seed \(seed): \(found)")
    }
  }
}
