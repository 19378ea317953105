import GraphIR
import Interpreter

extension Interpreter {
  /// An interpreter on reproducible tokens and targets.
  static func onRandomTokens(
    _ graph: Graph, seed: UInt64 = 1, mode: Mode = .training
  ) -> Interpreter {
    let count = UInt32(graph.batch.size * graph.context.size)
    let draw = { (stream: UInt64) in
      let key = CounterRandom.key(seed: seed, stream: stream)
      return (0..<count).map { Int32(CounterRandom.bits(key, $0) % UInt32(graph.vocabulary.size)) }
    }
    var interpreter = Interpreter(
      graph, mode: mode, seed: seed, tokens: draw(1 << 40), targets: draw(1 << 41))
    interpreter.beginnings = RandomDocuments.beginnings(of: graph, seed: seed)
    return interpreter
  }
}
