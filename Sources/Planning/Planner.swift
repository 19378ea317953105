import GraphIR
import Lowering

extension Plan {
  /// Plans a graph that holds forward and backward; `source` is the model's text, which gives names.
  ///
  /// - Parameters:
  ///   - accumulates: make room for the gradients of several batches between updates.
  ///   - recomputes: keep of repeated layers only what lies between them, and run their forward again in
  ///     backward.
  ///   - omitted: names of lowering steps to leave out.
  ///   - observe: called after each lowering step.
  /// - Throws: a `Diagnostic` for the few graphs that are legal but have no plan.
  public init(
    _ graph: Graph, source: ModelSource? = nil, accumulates: Bool = false,
    recomputes: Bool = false, omitting omitted: Set<String> = [],
    observe: (LoweringReport) -> Void = { _ in }
  ) throws(Diagnostic) {
    // Keys and values stay, and queries beside them would too.
    let keepsApart = graph.outputs.map(\.output) == [.logits] ? ["JoinProjections"] : []
    let program = try LoweringPipeline.run(
      graph, omitting: omitted.union(keepsApart), observe: observe)
    let depth = Partition.depth(of: program)
    let options = Options(accumulates: accumulates, recomputes: recomputes)
    self = try Self.outlined(program, graph, depth: depth, source, options)
  }

  /// What a plan is made for.
  fileprivate struct Options {
    var accumulates: Bool
    var recomputes: Bool
  }

  /// The plan with uses of `layers` as layers, as deep in one another as can be: where the innermost
  /// cannot stand for themselves, they are part of what is around them, and a note says why.
  private static func outlined(
    _ program: Program, _ graph: Graph, depth: Int, _ source: ModelSource?, _ options: Options
  ) throws(Diagnostic) -> Plan {
    do throws(Diagnostic) {
      return try Planner.plan(program, graph, depth: depth, source, options)
    } catch {
      if depth == 0 { throw error }
      var plan = try outlined(program, graph, depth: depth - 1, source, options)
      let message =
        "layers are no functions of their own in C, but part of what is around them: "
        + error.message
      plan.notes.insert(Diagnostic(at: error.location, message, hint: error.hint), at: 0)
      return plan
    }
  }
}

/// Puts the sections' plans together: equal layers become one, edges and parameters get places.
private struct Planner {
  private let program: Program
  private let graph: Graph
  private let uses: ValueUses
  private var parameters: [PlannedParameter] = []
  private var indexOfParameter: [Value: Int] = [:]

  /// Each parameter and its number.
  private let numberOfParameter: [Value: (Parameter, Int)]
  private var layers: [Layer] = []
  private var numberOfLayer: [Layer: Int] = [:]
  private var layerNames = LayerNames()
  private var usesOfLayer: [Int] = []
  private var layerUses: [LayerUse] = []
  private var borrowedParameters: [[Value]] = []
  private var edgeValues: [Value] = []
  private var numberOfEdge: [Value: Int] = [:]
  private var arena = ArenaPlacement()

  private let options: Plan.Options

  /// The plan with sections for uses of `layers` down to a depth.
  static func plan(
    _ program: Program, _ graph: Graph, depth: Int, _ source: ModelSource?, _ options: Plan.Options
  ) throws(Diagnostic) -> Plan {
    let partition = Partition(program, depth: depth)
    let uses = ValueUses(program, partition)
    try uses.checkGradients()
    let names = ValueNames(uses, source: source)
    var planner = Planner(program, graph, uses, options)
    for index in partition.sections.indices {
      var section = LayerPlanner(uses, names, section: index)
      planner.add(try section.plan(), of: section)
    }
    return planner.finished()
  }

  init(_ program: Program, _ graph: Graph, _ uses: ValueUses, _ options: Plan.Options) {
    self.options = options
    self.program = program
    self.graph = graph
    self.uses = uses
    numberOfParameter = Dictionary(
      uniqueKeysWithValues: program.numberedParameters.map { ($0.value, ($0.parameter, $0.number)) }
    )
  }

  mutating func add(_ result: LayerPlanner.Result, of section: LayerPlanner) {
    let layer = indexOfLayer(result.layer, of: section)
    let use = LayerUse(
      layer: layer, instance: usesOfLayer[layer],
      scope: section.section.scope, firstParameter: parameters.count, borrowed: [],
      firstStream: section.firstStream, forwardEdges: result.forwardEdges.map { edge($0) },
      backwardEdges: result.backwardEdges.map { edge($0) }, forwardNodes: result.forwardNodes,
      backwardNodes: result.backwardNodes, savedOffset: 0)
    layerUses.append(use)
    usesOfLayer[layer] += 1
    borrowedParameters.append(section.borrowed)
    arena.share(result.scratchBytes, in: .scratch)
    for (value, parameter) in zip(section.owned, result.layer.parameters) {
      add(parameter, value)
    }
  }

  /// The layer like this one, or this one as a new layer under a name of its own.
  private mutating func indexOfLayer(_ layer: Layer, of section: LayerPlanner) -> Int {
    if let known = numberOfLayer[layer] { return known }
    numberOfLayer[layer] = layers.count
    layers.append(layer)
    let family = section.section.layer?.family
    let last = uses.partition.sections.lastIndex { $0.layer?.family == family }
    layers[layers.count - 1].name = layerNames.name(
      layer.name, madeOf: section.words, isLast: last == section.index)
    usesOfLayer.append(0)
    return layers.count - 1
  }

  private mutating func edge(_ value: Value) -> Int {
    if let index = numberOfEdge[value] { return index }
    numberOfEdge[value] = edgeValues.count
    edgeValues.append(value)
    return edgeValues.count - 1
  }

  private mutating func add(_ parameter: LayerParameter, _ value: Value) {
    guard let (op, number) = numberOfParameter[value] else { return }
    var planned = PlannedParameter(op, number: number, as: parameter)
    planned.place { arena.append(&$0) }
    indexOfParameter[value] = parameters.count
    parameters.append(planned)
  }
}

extension Planner {
  mutating func finished() -> Plan {
    for index in layerUses.indices {
      layerUses[index].borrowed = borrowedParameters[index].compactMap { indexOfParameter[$0] }
    }
    let names = edgeNames
    var edges = edgeValues.enumerated().map { index, value in
      Edge(
        name: names[index] ?? "edge_\(index)", type: program.type(of: value),
        role: uses.phase(of: value) == .forward ? .activation : .gradient,
        outputs: uses.outputs[value] ?? [])
    }
    placeSaved(&edges)
    if uses.infers { placeLogits(&edges) }
    placeGradients(&edges)
    placeBatch()
    return plan(edges)
  }

  private func plan(_ edges: [Edge]) -> Plan {
    Plan(
      graph: graph, sequences: program.sequences, positions: program.positions,
      parameters: parameters, layers: layers, uses: layerUses,
      edges: edges, regions: arena.regions, accumulates: options.accumulates,
      recomputes: options.recomputes, recomputation: program.recomputation,
      notes: Outlining(program, uses, layerUses.map(\.layer), layers).notes)
  }

  /// The logits of a library that learns nothing come last; of some positions alone where the head makes them
  /// for so many at once.
  private mutating func placeLogits(_ edges: inout [Edge]) {
    let hasHead = plan(edges).head != nil
    for index in edges.indices where edges[index].outputs.contains(.logits) {
      let row = edges[index].storage.element.bytes * graph.vocabulary.size
      let rows = min(Plan.headRows, graph.context.size)
      let bytes = hasHead ? roundUp(rows * row, to: Regions.alignment) : edges[index].bytes
      edges[index].storage.offset = arena.append(bytes, to: .saved)
    }
  }

  /// What a caller's batch is copied to, and the positions 0 ..< T.
  private mutating func placeBatch() {
    for region in [Region.tokens, .targets] {
      var storage = Storage(.i32(graph.batch, graph.context), in: region)
      arena.append(&storage)
    }
    var positions = Storage(.i32(graph.context), in: .positions)
    arena.append(&positions)
  }

  /// `input_y`, `block_0_y`: the argument that an edge is, after the use that computes it.
  private var edgeNames: [Int: String] {
    var names: [Int: String] = [:]
    for use in layerUses {
      let layer = layers[use.layer]
      let owner = ValueNames.field(use.scope.isEmpty ? layer.name : use.scope, in: "")
      for (arguments, given) in [
        (layer.forwardArguments, use.forwardEdges), (layer.backwardArguments, use.backwardEdges),
      ] {
        for (argument, edge) in zip(arguments, given) where argument.isWritten {
          names[edge] = names[edge] ?? "\(owner)_\(argument.name)"
        }
      }
    }
    return names
  }

  /// Activations between layers first, then each use's saved buffers, those of first uses before all
  /// others: together they are what a pass of evaluation writes.
  private mutating func placeSaved(_ edges: inout [Edge]) {
    if uses.infers { shareActivations(&edges) }
    for index in edges.indices where edges[index].role == .activation && !isShared(index) {
      if uses.infers, edges[index].outputs.contains(.logits) { continue }
      arena.append(&edges[index].storage)
    }
    let firstUses = layerUses.indices.filter { layerUses[$0].instance == 0 }
    for index in firstUses + layerUses.indices.filter({ layerUses[$0].instance > 0 }) {
      let layer = layers[layerUses[index].layer]
      let isFirst = layerUses[index].instance == 0
      let own =
        isFirst
        ? Set(layer.saved.indices)
        : layer.own(
          infers: uses.infers, recomputes: options.recomputes, goesOn: program.recomputation == nil)
      let bytes = own.reduce(0) { $0 + layer.saved[$1].bytes }
      layerUses[index].savedOffset = arena.append(bytes, to: .saved)
    }
  }

  /// Whether an activation between layers is gone when nothing of the pass reads it any more.
  private func isShared(_ edge: Int) -> Bool {
    let value = edgeValues[edge]
    guard uses.infers, uses.outputs[value] == nil else { return false }
    let isOfAttention = (uses.readers(of: value) + [uses.maker(of: value)].compactMap(\.self))
      .contains { if case .attention = program.calls[$0].op { true } else { false } }
    return !isOfAttention
  }

  /// Activations between layers live from the layer that computes them to the last that reads them, where no
  /// backward asks for them.
  private mutating func shareActivations(_ edges: inout [Edge]) {
    let shared = edges.indices.filter(isShared)
    var lives: [Int: ClosedRange<Int>] = [:]
    for (step, use) in layerUses.enumerated() {
      for edge in use.forwardEdges { lives[edge] = (lives[edge]?.lowerBound ?? step)...step }
    }
    let placement = Placement(
      shared.map { Placement.Block(bytes: edges[$0].bytes, life: lives[$0] ?? 0...0) })
    let start = arena.append(placement.bytes, to: .saved)
    for (block, index) in shared.enumerated() {
      edges[index].storage.offset = start + placement.offsets[block]
    }
  }

  /// Gradients between layers live from the layer that computes them to the last that reads them; the beginning
  /// of a parameter's lies where that does.
  private mutating func placeGradients(_ edges: inout [Edge]) {
    for index in edges.indices {
      guard let parameter = uses.grows[edgeValues[index]].flatMap({ indexOfParameter[$0] }),
        let gradient = parameters[parameter].gradient
      else { continue }
      edges[index].storage = gradient
    }
    let gradients = edges.indices.filter { edges[$0].storage.region == .edgeGradients }
    var lives: [Int: ClosedRange<Int>] = [:]
    for (step, use) in layerUses.reversed().enumerated() {
      for edge in use.backwardEdges { lives[edge] = (lives[edge]?.lowerBound ?? step)...step }
    }
    let blocks = gradients.map { index in
      Placement.Block(bytes: edges[index].bytes, life: lives[index] ?? 0...0)
    }
    let placement = Placement(blocks)
    for (block, index) in gradients.enumerated() {
      edges[index].storage.offset = placement.offsets[block]
    }
    arena.share(placement.bytes, in: .edgeGradients)
  }
}
