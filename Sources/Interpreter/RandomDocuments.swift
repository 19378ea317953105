import GraphIR

/// Documents that stand in the rows of a batch, in trials.
public enum RandomDocuments {
  /// Where the document of each token begins, the same for the same seed: some have one token, some a whole row.
  ///
  /// - Returns: as many numbers as a batch has tokens; none where the graph's rows are one document each.
  public static func beginnings(of graph: Graph, seed: UInt64) -> [Int32] {
    if !graph.takesDocuments { return [] }
    let key = CounterRandom.key(seed: seed, stream: 1 << 44)
    let length = graph.context.size
    var beginnings: [Int32] = []
    for row in 0..<graph.batch.size {
      let mean = 1 + CounterRandom.bits(key, UInt32(row)) % 12
      for t in 0..<length {
        let number = UInt32(graph.batch.size + row * length + t)
        let begins = t == 0 || CounterRandom.bits(key, number) % mean == 0
        beginnings.append(begins ? Int32(t) : beginnings[beginnings.count - 1])
      }
    }
    return beginnings
  }
}
