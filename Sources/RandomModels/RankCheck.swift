import Comparison
import GraphIR
import Interpreter
import ModelRuntime
import Ranks

/// Whether updates end with the same bits for any number of ranks that share their batches.
struct RankCheck: Sendable {
  private let trial: Trial
  private let ignored: IgnoredTargets

  init(
    _ reference: Graph, _ library: ModelLibrary, seed: UInt64, ignoring ignored: IgnoredTargets
  ) {
    trial = Trial(reference, library, seed: seed)
    self.ignored = ignored
  }

  /// Three ranks with two batches each, two with three, whose own sums are of no one part of the whole, and as many
  /// ranks as batches.
  func differences() throws -> [String] {
    var found: [String] = []
    for (batches, counts) in [(6, [2, 3]), (4, [4])] {
      guard let expected = try bits(ranks: 1, batches: batches).first else { continue }
      for count in counts {
        for (rank, bits) in try bits(ranks: count, batches: batches).enumerated() {
          found += zip(bits, expected).filter { $0.bits != $1.bits }.map { pair, _ in
            "\(pair.name): rank \(rank) of \(count) has other bits than one rank alone"
          }
        }
      }
    }
    return found
  }

  /// Whether ranks that share out experts, as the other's library does among so many, end with this one's bits.
  func differences(of shared: RankCheck, among sharers: Int) throws -> [String] {
    guard let expected = try bits(ranks: 1, batches: 4).first else { return [] }
    return try [sharers, 2 * sharers].filter { 4 % $0 == 0 || $0 == sharers }.flatMap { count in
      let batches = 4 % count == 0 ? 4 : count
      let alone = batches == 4 ? expected : try bits(ranks: 1, batches: batches).first ?? []
      return try shared.bits(ranks: count, batches: batches).enumerated().flatMap { rank, bits in
        zip(bits, alone).filter { $0.bits != $1.bits }.map { pair, _ in
          "\(pair.name): rank \(rank) of \(count), which share out experts, has other bits than one"
        }
      }
    }
  }

  private typealias Bits = [(name: String, bits: [UInt32])]

  /// What each rank has after two updates; nothing where a loss is not finite.
  private func bits(ranks count: Int, batches: Int) throws -> [Bits] {
    do {
      return try Ranks.threads(count) { ranks in
        let model = try trial.model(exchange: ranks.exchange, batches: batches / count)
        try model.setThreads(1 + ranks.rank % 2)
        let norms = try [0, 1].map {
          try update(model, number: $0, ranks, batches: batches / count)
        }
        return [("norms", norms.map(\.bitPattern))] + (try everything(in: model))
      }
    } catch is NotFinite {
      return []
    }
  }

  private struct NotFinite: Error {}

  private func update(
    _ model: Model, number: Int, _ ranks: Ranks, batches: Int
  ) throws -> Float {
    for batch in ranks.rank * batches..<(ranks.rank + 1) * batches {
      let stream = UInt64(100 * number + 2 * batch)
      let targets = Trial.ids(of: trial.reference, seed: trial.seed, stream: stream + 1)
      let documents = RandomDocuments.beginnings(
        of: trial.reference, seed: trial.seed &+ stream)
      if !documents.isEmpty { try model.setDocuments(documents) }
      let loss = try model.accumulate(
        tokens: Trial.ids(of: trial.reference, seed: trial.seed, stream: stream),
        targets: ignored.among(targets, seed: trial.seed &+ stream), seed: trial.seed &+ stream)
      guard loss.isFinite else { throw NotFinite() }
    }
    let hyper = Hyperparameters(trial.library.manifest.defaults, seed: trial.seed)
    let norm = try model.update(with: hyper, maximumNorm: number == 0 ? nil : 0.1)
    guard norm.isFinite else { throw NotFinite() }
    return norm
  }

  private func everything(in model: Model) throws -> Bits {
    try trial.parameters.keys.sorted().flatMap { name in
      try [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts].compactMap { kind in
        guard try model.keeps(kind, of: model.index(of: name)) else { return nil }
        return ("\(kind) of \(name)", try model.read(kind, named: name).map(\.bitPattern))
      }
    }
  }
}
