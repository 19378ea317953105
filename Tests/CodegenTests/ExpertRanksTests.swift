import CompiledModels
import GraphIR
import MoE
import ModelRuntime
import Ranks
import Testing

/// Ranks that share out the experts of a model end with the bits of one process that has them all.
@Suite struct ExpertRanksTests {
  private typealias Axis = MoE.Axis

  /// Of each number of ranks that share out the experts, the library; of 1 one that shares nothing.
  private static let libraries = [1, 2, 4].map { ranks in
    Result { try CompiledModel(try traced(), accumulates: true, expertRanks: ranks) }
  }

  /// Dropout and noise on experts' rows, weights side by side, biases, a norm of each expert's own and one without
  /// weights, a capacity.
  private static func traced() throws -> Graph {
    let (V, T, B) = (Axis("V", 11), Axis("T", 6), Axis("B", 2))
    let (C, E) = (Axis("C", 20), Axis("E", 4))
    return try LanguageModel.trace("shared", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let y = layers("block", 2, x) { x in
        let n = x.rmsNorm("norm")
        let logits = n.linear("gate", E)
        let noise = n.linear("noise", E).softplus()
        let routing = (logits + .normal(like: logits) * noise).top(2).softmax().balanced(0.01)
        let rows = n.routed(by: routing)
        let hidden = rows.linear("up", 3 * C).relu() * rows.linear("side", 3 * C)
        return x + hidden.dropout(0.1).linear("down", C).dropout(0.2).combined()
      }
      let z = scope("tight") {
        let routing = y.linear("gate", E).top(1).softmax()
        let rows = y.routed(by: routing, capacity: 1.1).rmsNorm("norm").linear("in", C).rmsNorm()
        return y + rows.linear("out", C).combined()
      }
      return z.linear("head", V)
    }
  }

  static func library(_ experts: Int) throws -> CompiledModel {
    try libraries[experts == 1 ? 0 : experts == 2 ? 1 : 2].get()
  }

  /// What all ranks together have after three updates, as rank 0 reads it.
  private static func bits(
    ranks: Int, experts: Int, batches: Int = 4, threads: Int = 1, seed: UInt64 = 1,
    gates: Gates = .any, ignoring: Set<Int> = []
  ) throws -> [[UInt32]] {
    let compiled = try library(experts)
    let trial = Trial(compiled, seed: seed)
    @Sendable func run(_ ranks: Ranks) throws -> [[UInt32]] {
      let own = batches / ranks.count
      let model = try trial.model(exchange: ranks.exchange, batches: own)
      try gates.set(in: model)
      try model.setThreads(threads)
      var bits: [[UInt32]] = []
      for step in 0..<3 {
        for batch in ranks.rank * own..<(ranks.rank + 1) * own {
          let stream = UInt64(100 * step + 2 * batch)
          let tokens = Trial.ids(of: trial.reference, seed: seed, stream: stream)
          var targets = Trial.ids(of: trial.reference, seed: seed, stream: stream + 1)
          if ignoring.contains(batch) { targets = targets.map { _ in Model.ignoredTarget } }
          let loss = try model.accumulate(
            tokens: tokens, targets: targets, seed: seed &+ stream)
          #expect(loss.isFinite)
        }
        var hyper = Hyperparameters(model.manifest.defaults, seed: seed)
        hyper.learningRate = 0.01
        let norm = try model.update(with: hyper, maximumNorm: step == 1 ? 0.05 : nil)
        bits.append([norm.bitPattern])
      }
      let loss = try model.loss(tokens: trial.tokens, targets: trial.targets, seed: 7)
      bits.append([loss.bitPattern])
      bits.append(
        try model.logits(tokens: Array(trial.tokens.prefix(3)), seed: 8).map(\.bitPattern))
      for index in model.manifest.parameters.indices {
        for kind in Model.Kind.allCases where kind != .gradient && model.keeps(kind, of: index) {
          bits.append(try model.read(kind, index).map(\.bitPattern))
        }
      }
      return bits
    }
    let all = try ranks == 1 ? [run(.alone)] : Ranks.threads(ranks, body: run)
    for (rank, bits) in all.enumerated() { #expect(bits == all[0], "rank \(rank)") }
    return all[0]
  }

  /// What routers like.
  private enum Gates: CaseIterable {
    /// What is drawn; one expert alone; the first half, so that other ranks' have no rows.
    case any, one, half

    func set(in model: Model) throws {
      if self == .any { return }
      for (index, parameter) in model.manifest.parameters.enumerated()
      where parameter.name.hasSuffix("gate.bias") {
        try model.write(
          (0..<4).map { $0 == 2 ? 40 : self == .half && $0 == 3 ? 39 : 0 }, .value, index)
      }
    }
  }

  @Test(
    "as one process, and as ranks that each have all experts",
    arguments: [(1, 1), (2, 1), (4, 1), (2, 2), (4, 2), (4, 4)], [1, 2])
  func sameBits(_ form: (ranks: Int, experts: Int), threads: Int) throws {
    let expected = try Self.bits(ranks: 1, experts: 1)
    #expect(
      try Self.bits(ranks: form.ranks, experts: form.experts, threads: threads) == expected)
  }

  @Test("whatever is routed where", arguments: Gates.allCases)
  private func routings(_ gates: Gates) throws {
    let expected = try Self.bits(ranks: 1, experts: 1, seed: 3, gates: gates)
    for (ranks, experts) in [(2, 2), (4, 2), (4, 4)] {
      #expect(try Self.bits(ranks: ranks, experts: experts, seed: 3, gates: gates) == expected)
    }
  }

  @Test(
    "batches without targets, on one rank and on all", arguments: [[1], [0, 2], [0, 1, 2, 3]])
  func ignored(_ batches: [Int]) throws {
    let expected = try Self.bits(ranks: 1, experts: 1, ignoring: Set(batches))
    for (ranks, experts) in [(2, 2), (4, 4)] {
      #expect(try Self.bits(ranks: ranks, experts: experts, ignoring: Set(batches)) == expected)
    }
  }
}
