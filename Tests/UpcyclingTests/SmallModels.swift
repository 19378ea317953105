import CompiledModels
import Exchange
import GraphIR
import Interpreter
import MoE
import ModelRuntime
import Upcycling

/// A small dense model with random numbers everywhere, biases and norms too.
struct DenseModel {
  let graph: Graph
  let parameters: [String: [Float]]

  init(_ graph: Graph, seed: UInt64 = 7) {
    self.graph = graph
    var parameters: [String: [Float]] = [:]
    for (index, entry) in graph.parameters.enumerated() {
      let key = CounterRandom.key(seed: seed, stream: UInt64(index))
      let count = entry.parameter.axes.reduce(1) { $0 * $1.size }
      parameters[entry.parameter.name] = (0..<UInt32(count)).map {
        Float(0.4 * CounterRandom.normal(key, $0))
      }
    }
    self.parameters = parameters
  }

  /// As a file has them.
  var tensors: [Safetensors.Output] {
    graph.parameters.map { _, parameter in
      let numbers = parameters[parameter.name] ?? []
      return .init(name: parameter.name, shape: parameter.axes.map(\.size)) { numbers }
    }
  }

  func upcycled(
    into graph: Graph, _ options: Upcycling.Options = .init()
  ) throws -> (parameters: [String: [Float]], upcycling: Upcycling) {
    let upcycling = try Upcycling(
      tensors, into: graph, options, names: ("dense", "mixture"))
    let all = try upcycling.outputs.map { ($0.name, try $0.numbers()) }
    return (Dictionary(uniqueKeysWithValues: all), upcycling)
  }
}

/// Logits in double precision, of tokens that depend on nothing else.
func logits(_ graph: Graph, _ parameters: [String: [Float]]) throws -> [Double] {
  let count = graph.batch.size * graph.context.size
  let tokens = (0..<count).map { Int32(($0 * 7 + 3) % graph.vocabulary.size) }
  let run = try Interpreter(
    graph, mode: .evaluation, tokens: tokens,
    parameters: parameters.mapValues { $0.map(Double.init) }
  ).run([.logits])
  return run.logits ?? []
}

/// The largest difference, as a share of the largest number.
func difference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count, !a.isEmpty else { return .infinity }
  let largest = b.map(abs).max() ?? 1
  return (zip(a, b).map { abs($0 - $1) }.max() ?? .infinity) / largest
}

/// makeMoE's kind: biases, ReLU or GELU between two matrices, dropout, and perhaps a noisy router. With `experts`
/// 0 it is dense, and the last matrix is called otherwise.
struct PlainModel {
  var experts = 0
  var chosen = 2
  var width = 24
  var isNoisy = false
  var capacity: Double?
  var last = "down"

  func graph() throws -> Graph {
    let (V, C) = (MoE.Axis("V", 11), MoE.Axis("C", 12))
    let F = MoE.Axis("F", width)
    return try LanguageModel.trace(
      "plain", vocabulary: V, context: MoE.Axis("T", 6), batch: MoE.Axis("B", 2)
    ) { text in
      let x = layers("block", 2, text.tokens.embedding("token", C)) { x in
        let h =
          x + scope("attention") { attend(x.layerNorm("norm"), C).linear("proj", C) }
        if experts == 0 {
          return h
            + scope("mlp") {
              h.layerNorm("norm").linear("up", F).gelu().linear("proj", C).dropout(0.1)
            }
        }
        return h + scope("mixture") { mixture(h.layerNorm("norm"), F, C) }
      }
      return x.layerNorm("final").linear("head", V)
    }
  }

  private func attend(_ x: Tensor, _ C: MoE.Axis) -> Tensor {
    let parts = ["query", "key", "value"].map { x.linear($0, C).heads(3) }
    return attention(parts[0], parts[1], parts[2]).mergedHeads()
  }

  private func mixture(_ x: Tensor, _ F: MoE.Axis, _ C: MoE.Axis) -> Tensor {
    let E = MoE.Axis("E", experts)
    var logits = x.linear("gate", E)
    if isNoisy { logits = logits + .normal(like: logits) * x.linear("noise", E).softplus() }
    let routing = logits.top(chosen).softmax()
    let rows = capacity.map { x.routed(by: routing, capacity: $0) } ?? x.routed(by: routing)
    return rows.linear("up", F).gelu().linear(last, C).dropout(0.1).combined()
  }
}
