import CModelABI
import CompiledModels
import Foundation
import GraphIR
import MoE
import ModelRuntime
import Planning
import Testing

/// What the planner says of exchanges is what the library does, call by call.
@Suite struct ExchangesTests {
  /// With a state, and with what nothing trains between what learns.
  private static let compiled = Result {
    let (V, T, B, C, E) = (
      MoE.Axis("V", 11), MoE.Axis("T", 5), MoE.Axis("B", 2), MoE.Axis("C", 48), MoE.Axis("E", 3)
    )
    return try CompiledModel(
      LanguageModel.trace("exchanged", vocabulary: V, context: T, batch: B) { text in
        let x = text.tokens.embedding("token", C)
        let y = layers("block", 2, x) { x in
          let offset = parameter("offset", C, initial: .normal(1)).stopGradient()
          let n = (x + offset).layerNorm("norm")
          let scores = n.linear("gate", E).sigmoid()
          let bias = routerBias("bias", E, rate: 0.01)
          let routing = scores.top(2, by: scores + bias.value).normalized().balanced(by: bias)
          return x + n.routed(by: routing).linear("up", 2 * C).relu().linear("down", C).combined()
        }
        return y.linear("head", V)
      })
  }

  /// One exchange as a rank asks for it.
  struct Asked: Equatable {
    var kind: Exchanges.Kind
    var sent, received: Int
  }

  /// A way to nobody: it notes what it is asked for, and nothing comes.
  private final class Recorder {
    let rank, ranks: Int
    private(set) var asked: [Asked] = []

    init(rank: Int, of ranks: Int) { (self.rank, self.ranks) = (rank, ranks) }

    func add(_ kind: Exchanges.Kind, sent: Int, received: Int) {
      asked.append(Asked(kind: kind, sent: sent, received: received))
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> Recorder? {
      context.map { Unmanaged<Recorder>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The words that are others', of all that start where the list says.
    func others(_ starts: UnsafePointer<Int>?) -> Int {
      guard let starts else { return 0 }
      return starts[ranks] - starts[0] - own(starts)
    }

    func own(_ starts: UnsafePointer<Int>?) -> Int {
      starts.map { $0[rank + 1] - $0[rank] } ?? 0
    }

    var exchange: moec_exchange {
      moec_exchange(
        context: Unmanaged.passUnretained(self).toOpaque(), rank: Int32(rank), ranks: Int32(ranks),
        all_to_all: { context, _, _, send, _, receive in
          guard let recorder = Recorder.of(context) else { return 1 }
          recorder.add(
            .allToAll, sent: recorder.others(send), received: recorder.others(receive))
          return 0
        },
        all_gather: { context, _, _, start in
          guard let recorder = Recorder.of(context) else { return 1 }
          recorder.add(
            .allGather, sent: recorder.own(start) * (recorder.ranks - 1),
            received: recorder.others(start))
          return 0
        },
        wait: { _, _ in 0 }, poll: { _ in 0 })
    }
  }

  @Test(
    "in order, kind and words of each rank", arguments: [(2, 1), (2, 3), (3, 2), (4, 5), (8, 1)])
  func areThose(ranks: Int, batches: Int) throws {
    let compiled = try Self.compiled.get()
    let planned = Exchanges(compiled.plan, ranks: ranks, batches: batches)
    for rank in 0..<ranks {
      let recorder = Recorder(rank: rank, of: ranks)
      try update(compiled, recorder, batches: batches)
      let expected = planned.steps.map {
        Asked(kind: $0.kind, sent: $0.sent[rank], received: $0.received[rank])
      }
      #expect(recorder.asked == expected, "rank \(rank) of \(ranks)")
    }
    let learned = compiled.plan.ranges.reduce(0) { $0 + $1.count }
    #expect(planned.owned.reduce(0, +) == learned)
    #expect(planned.steps.allSatisfy { $0.sent.reduce(0, +) == $0.received.reduce(0, +) })
  }

  private func update(_ compiled: CompiledModel, _ recorder: Recorder, batches: Int) throws {
    let exchange = UnsafeMutablePointer<moec_exchange>.allocate(capacity: 1)
    exchange.initialize(to: recorder.exchange)
    defer { exchange.deallocate() }
    try withExtendedLifetime(recorder) {
      let model = try Model(compiled.library, exchange: exchange, batches: batches)
      model.initialize(seed: 1)
      let ids = [Int32](repeating: 3, count: model.manifest.batch * model.manifest.context)
      for _ in 0..<batches { _ = try model.accumulate(tokens: ids, targets: ids, seed: 1) }
      _ = try model.update(
        with: Hyperparameters(model.manifest.defaults, seed: 1), maximumNorm: nil)
    }
  }

  @Test("one rank alone exchanges nothing")
  func alone() throws {
    let plan = try Self.compiled.get().plan
    let exchanges = Exchanges(plan, ranks: 1, batches: 4)
    #expect(exchanges.steps.isEmpty)
    // Two sums wait for their partners while the last of four batches is computed.
    let sum = plan.regions.bytes(of: .gradients) + plan.regions.bytes(of: .nextStates)
    #expect(exchanges.bytes(behind: plan) == 2 * sum)
  }
}
