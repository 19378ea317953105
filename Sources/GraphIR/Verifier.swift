/// Checks what holds for every graph, between all passes.
///
/// Header:
/// - The graph's name is not empty; it, all scopes, files and parameter names are printable.
/// - AdamW's numbers are finite, betas in 0 ..< 1, epsilon above 0, the others not negative.
///
/// Axes:
/// - Axis names are C identifiers and have one size each, everywhere.
/// - Every axis has a whole size from 1 to 2³¹ - 1, written with a factor and a divisor of at
///   least 1 and an offset of at least 0.
/// - Every tensor has fewer than 2³¹ elements, so that kernels can count them with `int`.
///
/// Nodes:
/// - Nodes stand in dependency order: inputs are results of earlier nodes, and exist.
/// - Types are those that the op infers from its inputs.
/// - Tokens and targets are i32[batch, context], positions i32[context].
/// - The scope of a node in a layer begins with the layer's scope; layers and the scopes around them
///   have names, letters, digits and underscores.
/// - Nodes of the forward phase read values of the forward phase only.
/// - Numbers in attributes and expressions are finite, dropout rates in 0 ..< 1, capacities and
///   deviations not negative, fans at least 1; expressions nest at most
///   `ScalarExpression.largestDepth` functions.
/// - A random stream has one meaning: normal numbers, or dropout with one rate.
///
/// Parameters and outputs:
/// - Parameter names are not empty and unique, those of states among them.
/// - A part of an adapter has its name, and axes that fit the weight that it adapts.
/// - Each output is bound once, to a value that exists and that is no input or parameter itself. All
///   but gradients are of the forward phase.
/// - The loss is f32[] and the logits are f32[batch, context, vocabulary].
/// - A gradient names a learned parameter, which is no state and not frozen, and has its type.
/// - Every state has one rule, an output `state` of its name and type, and nothing else has one.
/// - Terms are f32[], have printable names of their own and finite weights. There is an objective where
///   one has a weight other than 0: a pointwise op of the loss and the terms, with the slope 1 by the
///   loss and each term's weight by the term.
///
/// Rows sorted by expert:
/// - They come from `dispatch` with start, source and slot of one `route`, in this order.
/// - Rows sorted by one route never meet rows sorted by another.
/// - The `start` of a linear layer and the `slot` of `combine` and of the gradients are those of
///   the route that sorted the rows.
/// - Only `pointwise`, `linear`, `combine` and their gradients take sorted rows.
public enum Verifier {
  /// Returns if all of it holds; throws the first thing that does not, at the node's place in the
  /// model's source.
  public static func verify(_ graph: Graph) throws(Diagnostic) {
    try checkHeader(graph)
    try checkNodes(graph)
    try checkParameters(graph)
    try checkAdapters(graph)
    try checkOutputs(graph)
    try checkStates(graph)
    try checkObjective(graph)
    try checkPhases(graph)
    try checkStreams(graph)
    try checkRoutes(graph)
  }

  /// Calls `check` for every node and gives what it throws the node's place.
  static func forEachNode(
    of graph: Graph, _ check: (Int, Node) throws(Mismatch) -> Void
  ) throws(Diagnostic) {
    for (index, node) in graph.nodes.enumerated() {
      do throws(Mismatch) {
        try check(index, node)
      } catch {
        let scope = node.scope.isEmpty ? "" : ", \(node.scope)"
        throw Diagnostic(
          at: node.location, "\(error.message) (%\(index) \(node.op.mnemonic)\(scope))",
          hint: error.hint)
      }
    }
  }

  /// Throws unless the text can be shown on one line.
  static func checkPrintable(_ what: String, _ text: String) throws(Mismatch) {
    guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
      throw Mismatch("\(what) \(text.quoted) holds a control character")
    }
  }
}
