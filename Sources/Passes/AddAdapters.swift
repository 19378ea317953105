import GraphIR
import Words

/// Low-rank adapters as they are asked for.
public struct AdapterRequest: Hashable, Sendable {
  /// r.
  public var rank: Int

  /// α: what an adapter adds is multiplied by α / r.
  public var alpha: Double
  public var targets: [AdapterTarget]

  /// The parameters that learn beside the adapters.
  public var learned: [ParameterPattern]

  public init(
    rank: Int, alpha: Double? = nil, targets: [AdapterTarget] = AdapterTarget.usual,
    learned: [ParameterPattern] = []
  ) {
    self.rank = rank
    self.alpha = alpha ?? 2 * Double(rank)
    self.targets = targets
    self.learned = learned
  }

  var scale: Double { alpha / Double(rank) }
}

extension Pass {
  /// Puts two small matrices beside chosen weights of linear layers, y = w x + α/r b (a x), and freezes all
  /// that was there.
  ///
  /// The first values of a are uniform in ±1/√I, those of b 0, so that nothing is changed yet.
  /// Requires: no gradients yet. Error: a target that is no such weight, or no parameter.
  public static func addAdapters(_ request: AdapterRequest) -> Pass {
    Pass("AddAdapters", "small matrices learn beside weights that do not", isRequired: true) {
      graph throws(Diagnostic) in
      var insertion = try AdapterInsertion(graph, request)
      for index in graph.nodes.indices { insertion.visit(index) }
      return insertion.rewriter.finished()
    }
  }
}

/// A walk over a graph that puts the adapters in.
private struct AdapterInsertion {
  var rewriter: Rewriter
  private let request: AdapterRequest
  private let rank: Axis

  /// The weights that get one, by node.
  private let chosen: Set<Int>

  /// The parts of each of them, in the copy.
  private var parts: [Int: [Value]] = [:]

  init(_ graph: Graph, _ request: AdapterRequest) throws(Diagnostic) {
    rewriter = Rewriter(graph)
    self.request = request
    rank = Self.rankAxis(request.rank, graph)
    chosen = try Self.chosen(of: graph, request)
    let names = graph.parameters.map(\.parameter.name)
    for pattern in request.learned where !names.contains(where: pattern.fits) {
      throw graph.noSuchParameter(pattern, "--lora-learn")
    }
  }

  /// An axis of a name that the model has not.
  private static func rankAxis(_ rank: Int, _ graph: Graph) -> Axis {
    let taken = Set(graph.symbols.map(\.name))
    let names = ["R", "rank"] + (2...taken.count + 3).map { "rank\($0)" }
    return Axis(names.first { !taken.contains($0) } ?? "lora_rank", rank)
  }

  mutating func visit(_ index: Int) {
    let node = rewriter.source.nodes[index]
    if case .parameter(let parameter) = node.op {
      freeze(parameter, at: index)
      if chosen.contains(index) { parts[index] = addParts(beside: parameter, at: index) }
    } else if case .linear = node.op, let parts = parts[node.inputs[1].node] {
      rewriter.replace(index, by: [adapted(index, node, parts)])
    } else {
      rewriter.copy(index)
    }
  }

  private mutating func freeze(_ parameter: Parameter, at index: Int) {
    var frozen = parameter
    frozen.isFrozen =
      !parameter.isState && !request.learned.contains { $0.fits(parameter.name) }
    rewriter.replace(index, by: rewriter.emit(.parameter(frozen), [], for: index))
  }

  private mutating func addParts(beside weight: Parameter, at index: Int) -> [Value] {
    let bound = 1 / Double(weight.axes[weight.axes.count - 1].size).squareRoot()
    return Adapter.Part.allCases.flatMap { part in
      let adapter = Adapter(of: weight.name, part, scale: request.scale)
      let parameter = Parameter(
        name: adapter.name, axes: adapter.axes(ofWeight: weight.axes, rank: rank),
        initializer: part == .a ? .uniform(bound) : .zeros, adapter: adapter)
      return rewriter.emit(.parameter(parameter), [], for: index)
    }
  }

  /// The layer's result with what the adapter adds.
  private mutating func adapted(_ index: Int, _ node: Node, _ parts: [Value]) -> Value {
    let start =
      rewriter.source.type(of: node.inputs[0]).experts == nil
      ? [] : [rewriter.mapped(node.inputs[node.inputs.count - 1])]
    let linear = Op.linear(Linear(bias: false))
    let rows = rewriter.mapped(node.inputs[0])
    let whole = rewriter.emit(node.op, node.inputs.map(rewriter.mapped), for: index, in: "base")[0]
    var small = rewriter.emit(linear, [rows, parts[0]] + start, for: index, in: "lora_a")
    if request.scale != 1 {
      let scaled = Pointwise(.constant(request.scale) * .input(0))
      small = rewriter.emit(.pointwise(scaled), small, for: index, in: "lora_a")
    }
    let added = rewriter.emit(linear, small + [parts[1]] + start, for: index, in: "lora_b")
    return rewriter.emit(
      .pointwise(Pointwise(.input(0) + .input(1))), [whole] + added, for: index)[0]
  }
}

// Which weights are meant.
extension AdapterInsertion {
  private static func chosen(
    of graph: Graph, _ request: AdapterRequest
  ) throws(Diagnostic) -> Set<Int> {
    let weights = LinearWeights(graph)
    let names = graph.nodes.map { node in
      if case .parameter(let parameter) = node.op { parameter.name } else { "" }
    }
    var chosen: Set<Int> = []
    for target in request.targets {
      let found = weights.layers.filter { weight in
        switch target {
        case .kind(let kind): weight.linears.allSatisfy { weights.kind(of: $0) == kind }
        case .all: weight.linears.allSatisfy { weights.kind(of: $0) != nil }
        case .named(let pattern): pattern.fits(names[weight.parameter])
        }
      }
      chosen.formUnion(found.map(\.parameter))
      if found.isEmpty, request.targets != AdapterTarget.usual {
        throw missing(target, graph, weights, names)
      }
    }
    if let first = chosen.isEmpty ? request.targets.first : nil {
      throw missing(first, graph, weights, names)
    }
    return chosen
  }

  private static func missing(
    _ target: AdapterTarget, _ graph: Graph, _ weights: LinearWeights, _ names: [String]
  ) -> Diagnostic {
    if case .named(let pattern) = target,
      let (weight, reader) = weights.others.filter({ pattern.fits(names[$0.key]) })
        .min(by: { $0.key < $1.key })
    {
      return Diagnostic(
        at: graph.nodes[reader].location,
        "--lora-on \(pattern.text): \(names[weight]) is read by \(graph.nodes[reader].op.mnemonic) here, "
          + "and adapters stand beside linear layers' weights",
        hint: "--lora-learn \(names[weight]) lets all of it learn")
    }
    let there = weights.layers.map { names[$0.parameter] }
    return Diagnostic(
      at: nil, "--lora-on \(target.text): \(graph.name) has no such weights of linear layers",
      hint: there.isEmpty
        ? "adapters stand beside linear layers' weights"
        : "there are \(nameForms(there)); or say attention, mlp, experts, router or all")
  }
}
