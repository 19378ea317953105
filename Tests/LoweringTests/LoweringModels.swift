import CompiledModels
import GraphIR
import Interpreter
import Lowering
import Passes

/// What the tests of lowering look at: small models, and the samples of all ops.
enum LoweringModels {
  /// Small models as their makers write them.
  static func models() throws -> [(name: String, graph: Graph)] {
    let makers = [
      MakeMoE("makemoe") { ($0.C, $0.heads, $0.dropout) = (16, 2, 0.1) },
      MakeMoE("capacity") { ($0.capacity, $0.isNoisy, $0.depth) = (1, false, 1) },
      MakeMoE("tied") { ($0.isTied, $0.dropout) = (true, 0.2) },
      MakeMoE("offset") { ($0.hasOffset, $0.depth) = (true, 1) },
    ]
    let gated = [
      GatedModel(), GatedModel { ($0.C, $0.F, $0.depth, $0.reachesPast) = (48, 32, 1, true) },
    ]
    let layered = [LayeredModel.Form.dense, .skip, .shared, .routed].map {
      LayeredModel($0, depth: 2)
    }
    let rotary = AttentionModel(.rotary) { ($0.T, $0.C, $0.heads, $0.depth) = (5, 16, 2, 1) }
    return try makers.map { ($0.name, try $0.graph()) }
      + gated.map { ("gated, \($0.C)", try $0.graph()) }
      + layered.map { ("\($0)", try $0.graph()) } + [("rotary", try rotary.graph())]
  }

  /// All of them with gradients, as they are when they are lowered.
  static let all: [(name: String, graph: Graph)] = {
    let models = (try? Self.models()) ?? []
    return (models + OpKind.allSamples.map { ($0.name, $0.graph) }).compactMap { name, graph in
      (try? Pipelines.transformed(graph)).map { (name, $0) }
    }
  }()

  /// The graph's interpreter with tokens of its vocabulary.
  static func interpreter(_ graph: Graph, sequences: Int? = nil, length: Int? = nil) -> Interpreter
  {
    let count = (sequences ?? graph.batch.size) * (length ?? graph.context.size)
    let ids = (0..<count).map { Int32(($0 * 7 + 3) % graph.vocabulary.size) }
    var interpreter = Interpreter(
      graph, mode: sequences == nil ? .training : .evaluation, seed: 5, tokens: ids,
      targets: ids.map { Int32((Int($0) + 1) % graph.vocabulary.size) }, sequences: sequences,
      length: length)
    // A text that is shorter than the context is one document.
    if sequences == nil { interpreter.beginnings = RandomDocuments.beginnings(of: graph, seed: 5) }
    return interpreter
  }

  /// How far two tensors are apart, relative to the largest element.
  static func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    let size = b.map(abs).filter(\.isFinite).max() ?? 0
    return zip(a, b).map { x, y in x == y || (x.isNaN && y.isNaN) ? 0 : abs(x - y) }.max().map {
      $0 / max(size, 1e-12)
    } ?? 0
  }
}
