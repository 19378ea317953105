import GraphIR

extension Pass {
  /// Lets a token see those before it in its own document alone, where several stand in a row, and counts positions from
  /// the document's beginning.
  ///
  /// Requires: no gradients yet; they are masked by those of the masks. Ensures: what is computed at a position is what
  /// it were if its document stood alone at the beginning of a row. Capacities count whole rows and batches as before,
  /// and sums over tokens go on to be sums over all of them: they are terms of the objective, and nothing that logits
  /// depend on.
  public static let maskDocuments = Pass(
    "MaskDocuments", "a token sees those before it in its own document", isRequired: true
  ) { graph throws(Diagnostic) in
    if graph.batch.isMade(of: graph.context) {
      throw Diagnostic(
        at: nil,
        "--documents: the batch's axis \(graph.batch) is that of positions, \(graph.context), or part of it",
        hint: "give the batch and the context axes of their own")
    }
    var masking = DocumentMasking(graph)
    // What nothing needs may join what it likes: it goes.
    for (index, isNeeded) in graph.neededNodes.enumerated() {
      if isNeeded || graph.nodes[index].inputs.isEmpty { try masking.visit(index) }
    }
    let masked = masking.rewriter.finished()
    if let logits = masked[.logits] { try masking.checkLogits(logits) }
    return masked
  }
}

/// A walk over a graph that knows how far each value reaches, and puts the masks in.
struct DocumentMasking {
  var rewriter: Rewriter
  private let beginnings: Value

  /// What is known of the copy's values.
  var reach: [Value: DocumentReach] = [:]

  var context: Axis { rewriter.source.context }

  init(_ graph: Graph) {
    rewriter = Rewriter(graph)
    beginnings = rewriter.emitInput(.beginnings, [graph.batch, graph.context])
    reach[beginnings] = .own
  }

  mutating func visit(_ index: Int) throws(Diagnostic) {
    let node = rewriter.source.nodes[index]
    var inputs = node.inputs.map(rewriter.mapped)
    if case .input(let input) = node.op, input.kind == .positions {
      return rewriter.replace(index, by: [try documentPositions(for: index)])
    }
    if case .pointwise = node.op { try takePositions(&inputs, for: index) }
    let site = DocumentSite(
      node: node, types: inputs.map { rewriter.type(of: $0) },
      reaches: inputs.map { reach[$0] ?? .constant }, context: context,
      batch: rewriter.source.batch)
    let found = try site.reach(at: index)
    if site.isMasked { inputs.append(beginnings) }
    let results = try emit(node.op, inputs, for: index)
    for value in results {
      try site.check(rewriter.type(of: value), found)
      reach[value] = found
    }
    rewriter.replace(index, by: results)
  }

  /// What the logits are is computed of each document by itself.
  func checkLogits(_ value: Value) throws(Diagnostic) {
    guard case .summed(let index) = reach[value] ?? .constant else { return }
    throw rewriter.source.nodes[index].refusal(
      "sums over tokens, and logits depend on it: they would depend on other documents")
  }

  private mutating func emit(
    _ op: Op, _ inputs: [Value], for index: Int
  ) throws(Diagnostic) -> [Value] {
    do {
      return try rewriter.apply(op, inputs, for: index)
    } catch {
      throw rewriter.source.nodes[index].refusal(
        "has no place for positions that count from the beginning of a document: \(error.message)")
    }
  }
}

// Positions.
extension DocumentMasking {
  /// i32[B, T]: the position of each token in its document.
  private mutating func documentPositions(for index: Int) throws(Diagnostic) -> Value {
    let positions = try emit(.input(Input(.positions, [context])), [], for: index)
    let own = try emit(
      .documentPositions(DocumentPositions()), positions + [beginnings], for: index)
    reach[own[0]] = .own
    return own[0]
  }

  /// Constants that have a number for each position, beside what has positions, become those of documents.
  private mutating func takePositions(
    _ inputs: inout [Value], for index: Int
  ) throws(Diagnostic) {
    if inputs.allSatisfy({ reach[$0] ?? .constant == .constant }) { return }
    for place in inputs.indices {
      let value = inputs[place]
      guard reach[value] == .constant, rewriter.type(of: value).has(context) else { continue }
      inputs[place] = try ofDocuments(value, for: index)
    }
  }

  /// A constant made of the places of a text's axis, at each position of a document.
  private mutating func ofDocuments(_ value: Value, for index: Int) throws(Diagnostic) -> Value {
    let node = rewriter.node(of: value)
    var result: [Value]
    switch node.op {
    case .indices:
      let positions = try documentPositions(for: index)
      result = try emit(.numbers(Numbers()), [positions], for: index)
    case .pointwise(let op):
      var inputs = node.inputs
      for place in inputs.indices where rewriter.type(of: inputs[place]).has(context) {
        inputs[place] = try ofDocuments(inputs[place], for: index)
      }
      result = try emit(.pointwise(op), inputs, for: index)
    case let op:
      throw rewriter.source.nodes[index].refusal(
        "reads \(op.mnemonic) by the position in the row, which documents share",
        hint: "read a table by text.positions, which count from a document's beginning")
    }
    reach[result[0]] = .own
    return result[0]
  }
}

extension TensorType {
  /// Whether an axis is that of positions, or a product with it.
  func has(_ context: Axis) -> Bool { tokenAxes.contains { $0.isMade(of: context) } }

  /// All axes but that of rows which are sorted by expert.
  var tokenAxes: [Axis] { experts == nil ? axes : Array(axes.dropFirst()) }
}

extension Axis {
  func isMade(of context: Axis) -> Bool {
    symbols.contains { $0.name == context.symbols.first?.name }
  }
}

extension Node {
  /// Why a model cannot have several documents in a row.
  func refusal(
    _ reason: String,
    hint: String = "mask scores with causalMasked() before their softmax, or leave --documents out"
  ) -> Diagnostic {
    let name = scope.isEmpty ? op.mnemonic : "\(op.mnemonic) in \(scope)"
    return Diagnostic(at: location, "--documents: \(name) \(reason)", hint: hint)
  }
}
