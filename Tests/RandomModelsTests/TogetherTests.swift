import GraphIR
import Passes
import Planning
import RandomModels
import Testing

/// What threads that do not wait for each other touch: calls of a run together.
@Suite struct TogetherTests {
  /// Gradients of frozen weights of experts go to scratch, as in the first model, and those of weights used twice.
  @Test("What a call makes lies nowhere that another call of its run uses")
  func apart() throws {
    var (runs, made) = (0, 0)
    for seed in [2_000_086] + Array(1...60 as ClosedRange<UInt64>) {
      guard let graph = try? Pipeline().run(RandomModel(seed: seed).changed()) else { continue }
      for layer in try Plan(graph).layers {
        let functions = [
          (layer.forward, layer.forwardRuns, layer.forwardScratch),
          (layer.backward, layer.backwardRuns, layer.backwardScratch),
        ]
        for (calls, all, scratch) in functions {
          for run in all where run.kind == .together {
            runs += 1
            made += expectApart(Array(calls[run.calls]), scratch, "seed \(seed), \(layer.name)")
          }
        }
      }
    }
    #expect(runs > 50 && made > 0, "\(runs) runs, \(made) in scratch")
  }

  /// How many buffers in scratch the calls make.
  private func expectApart(_ calls: [Call], _ scratch: [Buffer], _ model: String) -> Int {
    func ranges(_ operands: [Operand]) -> [Range<Int>] {
      operands.compactMap { operand in
        guard case .scratch(let index) = operand.place else { return nil }
        let offset = scratch[index].storage.offset
        return offset..<offset + scratch[index].bytes
      }
    }
    for (index, call) in calls.enumerated() {
      for (other, another) in calls.enumerated() where other != index {
        for result in ranges(call.results) {
          let used = ranges(another.inputs + another.results)
          #expect(!used.contains { $0.overlaps(result) }, "\(model): calls \(index) and \(other)")
        }
      }
    }
    return calls.reduce(0) { $0 + ranges($1.results).count }
  }
}
