import GraphIR

@testable import Passes

/// A makeMoE in miniature, written op by op: two blocks of attention and a noisy top-2 of 4 experts.
struct SmallModel: Sendable, CustomStringConvertible {
  var name = "small"
  var capacity: Double?
  var isTied = false
  var attentionIsFused = false
  var dropout = 0.1
  var depth = 2

  var description: String { name }

  static let all = [
    SmallModel(name: "dropless"),
    SmallModel(name: "capacity", capacity: 1),
    SmallModel(name: "tied head", isTied: true),
    SmallModel(name: "fused attention", attentionIsFused: true),
    SmallModel(name: "no dropout", dropout: 0),
  ]

  let B = Axis("B", 2), T = Axis("T", 5), C = Axis("C", 6), V = Axis("V", 7)
  let H = Axis("H", 2), D = Axis("D", 3), E = Axis("E", 4), K = Axis("K", 2)

  var graph: Graph {
    var build = Build(model: self)
    build.all()
    return build.g.graph
  }
}

private struct Build {
  let model: SmallModel
  var g: GraphBuilder
  var streams = 0

  init(model: SmallModel) {
    self.model = model
    g = GraphBuilder(
      Graph(name: model.name, vocabulary: model.V, context: model.T, batch: model.B))
  }

  mutating func stream() -> Int {
    streams += 1
    return streams - 1
  }

  mutating func parameter(_ name: String, _ axes: [Axis], _ deviation: Double = 0.5) -> Value {
    g.scope = name
    return g.emitOne(
      .parameter(Parameter(name: name, axes: axes, initializer: .normal(deviation))), [])
  }

  mutating func linear(
    _ x: Value, _ name: String, _ output: Axis, bias: Bool = true, start: Value? = nil
  ) -> Value {
    let type = g.type(of: x)
    let stack = type.experts.map { [$0] } ?? []
    var inputs = [
      x, parameter(name + ".weight", stack + [output, type.axes[type.axes.count - 1]]),
    ]
    if bias { inputs.append(parameter(name + ".bias", stack + [output])) }
    g.scope = name
    return g.emitOne(.linear(Linear(bias: bias)), inputs + (start.map { [$0] } ?? []))
  }

  mutating func norm(_ x: Value, _ name: String) -> Value {
    let learned = ["weight", "bias"].map { parameter("\(name).\($0)", [model.C]) }
    g.scope = name
    return g.emit(.layerNorm(LayerNorm()), [x] + learned)[0]
  }

  mutating func dropout(_ x: Value) -> Value {
    if model.dropout == 0 { return x }
    return g.pointwise(.input(0) * .keep(stream: stream(), rate: model.dropout), [x])
  }

  mutating func attention(_ x: Value, _ name: String) -> Value {
    let split = SplitHeads(heads: model.H, depth: model.D)
    var heads: [Value] = []
    for part in ["query", "key", "value"] {
      heads.append(
        g.emitOne(.splitHeads(split), [linear(x, "\(name).\(part)", model.C, bias: false)]))
    }
    g.scope = name
    let scale = 1 / Double(model.C.size).squareRoot()
    let mixed = model.attentionIsFused ? fused(heads, scale) : unfused(heads, scale)
    let merged = g.emitOne(.mergeHeads(MergeHeads(width: model.C)), [mixed])
    return dropout(linear(merged, "\(name).proj", model.C))
  }

  mutating func unfused(_ heads: [Value], _ scale: Double) -> Value {
    let keys = g.emitOne(.transpose(Transpose()), [heads[1]])
    let scores = g.emitOne(.matmul(Matmul()), [heads[0], keys])
    let scaled = g.pointwise(.input(0) * .constant(scale), [scores])
    let masked = g.emitOne(.causalMask(CausalMask()), [scaled])
    let weights = dropout(g.emitOne(.softmax(Softmax()), [masked]))
    return g.emitOne(.matmul(Matmul()), [weights, heads[2]])
  }

  /// As `attention(q, k, v)` of the DSL: on merged heads, which are split again.
  mutating func fused(_ heads: [Value], _ scale: Double) -> Value {
    var merged: [Value] = []
    for x in heads { merged.append(g.emitOne(.mergeHeads(MergeHeads(width: model.C)), [x])) }
    let op = Attention(heads: model.H, scale: scale, rate: model.dropout, stream: stream())
    let y = g.emit(.attention(op), merged)[0]
    return g.emitOne(.splitHeads(SplitHeads(heads: model.H, depth: model.D)), [y])
  }

  mutating func mixture(_ x: Value, _ name: String) -> Value {
    let logits = linear(x, "\(name).gate", model.E)
    let spread = g.pointwise(
      .unary(.softplus, .input(0)), [linear(x, "\(name).noise", model.E)])
    let noise = g.pointwise(.normal(stream: stream()), [logits])
    let noisy = g.add(logits, g.pointwise(.input(0) * .input(1), [noise, spread]))
    let top = g.emit(.top(Top(chosen: model.K)), [noisy])
    let gates = g.emitOne(.softmax(Softmax()), [top[0]])
    let routed = g.emit(.route(Route(experts: model.E, capacity: model.capacity)), [top[1]])
    let rows = g.emitOne(.dispatch(Dispatch()), [x] + routed)
    let up = linear(rows, "\(name).up", 4 * model.C, start: routed[0])
    let bent = g.pointwise(.unary(.relu, .input(0)), [up])
    let down = dropout(linear(bent, "\(name).down", model.C, start: routed[0]))
    g.scope = name
    return g.emitOne(.combine(Combine()), [down, gates, routed[2]])
  }

  mutating func block(_ x: Value, _ name: String) -> Value {
    let mixed = attention(norm(x, "\(name).attention.norm"), "\(name).attention")
    g.scope = name
    let h = g.add(x, mixed)
    let computed = mixture(norm(h, "\(name).mixture.norm"), "\(name).mixture")
    g.scope = name
    return g.add(h, computed)
  }

  mutating func all() {
    let tokens = g.emitOne(.input(Input(.tokens, [model.B, model.T])), [])
    let positions = g.emitOne(.input(Input(.positions, [model.T])), [])
    let table = parameter("token.weight", [model.V, model.C], 1)
    let places = parameter("position.weight", [model.T, model.C], 1)
    var x = g.add(
      g.emitOne(.embedding(Embedding()), [tokens, table]),
      g.emitOne(.embedding(Embedding()), [positions, places]))
    for layer in 0..<model.depth {
      g.layer = LayerPath([LayerPath.Part("block", layer)])
      x = block(x, "block.\(layer)")
    }
    g.layer = nil
    let last = norm(x, "final")
    let logits =
      model.isTied
      ? g.emitOne(.linear(Linear(bias: false)), [last, table])
      : linear(last, "head", model.V)
    g.scope = "loss"
    let targets = g.emitOne(.input(Input(.targets, [model.B, model.T])), [])
    let loss = g.emit(.crossEntropy(CrossEntropy()), [logits, targets])[0]
    g.bind(.logits, to: logits)
    g.bind(.loss, to: loss)
  }
}
