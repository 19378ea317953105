import CompiledModels
import Interpreter
import ModelRuntime
import Ranks
import Testing

/// Targets that are ignored in updates of several batches, by one rank or several.
@Suite struct IgnoredInRanksTests {
  private static let path = Result {
    try CompiledModel(
      MakeMoE("shared") { ($0.T, $0.V, $0.C, $0.dropout) = (5, 11, 12, 0.1) }.graph(),
      accumulates: true
    ).library.path
  }

  /// Four batches of which so many targets are ignored.
  private static func update(
    _ path: String, _ patterns: [IgnoredTargets], ranks count: Int
  ) throws -> [[[UInt32]]] {
    try Ranks.threads(count) { ranks in
      let parts = patterns.count / count
      let model = try Model(
        ModelLibrary(path: path), exchange: ranks.exchange, batches: parts)
      model.initialize(seed: 3)
      try model.setThreads(1)
      let size = model.manifest.batch * model.manifest.context
      var norms: [Float] = []
      for step in 0..<2 as Range<UInt64> {
        for part in ranks.rank * parts..<(ranks.rank + 1) * parts {
          let ids = (0..<size).map { Int32(($0 * 7 + part * 5 + $0 / 3) % 11) }
          let targets = patterns[part].among(ids.reversed(), seed: UInt64(part) + step)
          let loss = try model.accumulate(tokens: ids, targets: targets, seed: UInt64(part))
          #expect((loss == 0) == (patterns[part] == .all))
        }
        let hyper = Hyperparameters(model.manifest.defaults, seed: step)
        norms.append(try model.update(with: hyper, maximumNorm: nil))
      }
      let values = try model.manifest.parameters.indices.map { try model.read(.value, $0) }
      return (values + [norms]).map { $0.map(\.bitPattern) }
    }
  }

  @Test(
    "Any number of ranks ends with the same bits",
    arguments: [
      [.some, .all, .none, .allButOne], [.all, .all, .some, .all], [.none, .some, .some, .all],
      [.all, .all, .all, .all],
    ] as [[IgnoredTargets]])
  func ranks(patterns: [IgnoredTargets]) throws {
    let path = try Self.path.get()
    let alone = try Self.update(path, patterns, ranks: 1)[0]
    for count in [2, 4] {
      for rank in try Self.update(path, patterns, ranks: count) { #expect(rank == alone) }
    }
    let model = try Model(ModelLibrary(path: path))
    model.initialize(seed: 3)
    let first = try model.manifest.parameters.indices.map {
      try model.read(.value, $0).map(\.bitPattern)
    }
    let isLeftOut = patterns.allSatisfy { $0 == .all }
    #expect((alone.dropLast() == first[...]) == isLeftOut)
    #expect((alone.last == [0, 0]) == isLeftOut)
  }
}
