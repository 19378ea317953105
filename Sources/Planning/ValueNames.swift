import GraphIR

/// Names of values for a reader: the layer's name in the model, the user's own `let`, or what the op
/// makes; gradients are `d_` and the name of what they are the gradient of.
struct ValueNames {
  let uses: ValueUses

  /// The lines of the model's source, from which the names of `let`s are read.
  let source: SourceLines

  /// Names of what comes into a layer and goes out of it, which hold within the layer.
  var edgeNames: [Value: String] = [:]

  private var graph: Graph { uses.graph }

  init(_ uses: ValueUses, source: String?) {
    self.uses = uses
    self.source = SourceLines(source ?? "")
  }

  /// The name of a value within the layer whose scope is given.
  func name(of value: Value, in scope: String) -> String {
    if let name = edgeNames[value] { return name }
    let node = graph.nodes[value.node]
    if node.phase == .backward { return gradientName(of: value, in: scope) }
    if case .parameter(let parameter) = node.op { return Self.field(parameter.name, in: scope) }
    if let name = finishName(of: value, in: scope) { return name }
    if uses.joined.contains(value.node), node.op.kind == .linear {
      return productName(value.node, in: scope)
    }
    let path = path(of: node, in: scope)
    let role = role(of: node, result: value.result)
    return Self.joined(path, role)
  }

  /// A product's name; of several weights, all their names: `attention_query_key_value`.
  private func productName(_ index: Int, in scope: String) -> String {
    let node = graph.nodes[index]
    let others = uses.joined.contains(index) ? node.inputs.dropFirst(2) : []
    let parts = others.map { graph.nodes[$0.node].scope.split(separator: ".").last ?? "" }
    return ([path(of: node, in: scope)] + parts.map(String.init)).joined(separator: "_")
  }

  /// A node's scope as an identifier: below a layer's own, or if the node lies in another use, below
  /// that one's. Its number says nothing there, and would make equal layers unequal.
  private func path(of node: Node, in scope: String) -> String {
    let isBelow = scope.isEmpty || node.scope == scope || node.scope.hasPrefix(scope + ".")
    return Self.field(node.scope, in: isBelow ? scope : node.layer?.scope ?? "")
  }

  /// A dotted path below a scope as an identifier: `mixture_up_weight`.
  static func field(_ path: String, in scope: String) -> String {
    let local =
      !scope.isEmpty && (path == scope || path.hasPrefix(scope + "."))
      ? path.dropFirst(scope.count).drop { $0 == "." } : path[...]
    return String(local.map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }

  private static func joined(_ path: String, _ role: String) -> String {
    if path.isEmpty { return role.isEmpty ? "value" : role }
    return role.isEmpty || role == path ? path : "\(path)_\(role)"
  }

  /// What a result is within its scope; empty where the scope itself names it.
  private func role(of node: Node, result: Int) -> String {
    switch node.op {
    case .input(let input): input.kind.rawValue
    case .linear, .embedding: ""
    case .layerNorm: ["", "mean", "rstd"][result]
    case .pointwise(let op): letName(at: node.location) ?? Self.role(of: op.expression)
    case .matmul: "product"
    case .softmax: letName(at: node.location) ?? "weights"
    case .attention: ["heads", "maximum", "sum"][result]
    case .splitHeads: "split"
    case .mergeHeads: "merged"
    case .top: ["chosen_logits", "chosen"][result]
    case .route: ["start", "source", "slot"][result]
    case .dispatch: "routed"
    case .combine: "combined"
    case .crossEntropy: ["loss", "maximum", "sum"][result]
    case .sum: "sum"
    case .transpose: "transposed"
    case .causalMask: "masked"
    case .parameter, .embeddingGradient, .linearInputGradient, .linearWeightGradient,
      .layerNormGradient, .softmaxGradient, .attentionGradient, .topGradient, .dispatchGradient,
      .combineGradient, .crossEntropyGradient:
      node.op.mnemonic
    }
  }

  private static func role(of expression: ScalarExpression) -> String {
    switch expression {
    case .normal: "normal"
    case .keep: "mask"
    case .constant, .input: "copy"
    case .unary(let function, _): function.rawValue
    case .binary(_, _, _)
    where contains(expression) { if case .normal = $0 { true } else { false } }:
      "noisy"
    case .binary(.add, _, _), .binary(.subtract, _, _): "sum"
    case .binary(_, _, _) where contains(expression) { if case .keep = $0 { true } else { false } }:
      "dropped"
    case .binary(.multiply, .constant, _), .binary(.multiply, _, .constant): "scaled"
    case .binary(.multiply, _, _): "product"
    case .binary(.divide, _, _): "quotient"
    }
  }

  private static func contains(
    _ expression: ScalarExpression, _ predicate: (ScalarExpression) -> Bool
  ) -> Bool {
    var found = false
    expression.visit { if predicate($0) { found = true } }
    return found
  }

  /// The name of the `let` that a product's last step is, if that is a line of its own.
  private func finishName(of value: Value, in scope: String) -> String? {
    guard let finish = uses.finishes[value.node], let location = finish.location else { return nil }
    if location.line == graph.nodes[value.node].location?.line { return nil }
    return letName(at: location).map { Self.joined(Self.field(finish.scope, in: scope), $0) }
  }

  /// Whether the user named a value by a `let`.
  func isNamedByLet(_ value: Value) -> Bool {
    guard case .pointwise = graph.nodes[value.node].op else { return false }
    return letName(at: graph.nodes[value.node].location) != nil
  }

  /// `h` where the model's line reads `let h = …`.
  private func letName(at location: SourceLocation?) -> String? {
    guard let location, let line = source[location.line] else { return nil }
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
    guard words.count > 2, words[0] == "let", words[2] == "=" else { return nil }
    let name = words[1]
    return name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      ? String(name) : nil
  }
}

extension ValueNames {
  private func gradientName(of value: Value, in scope: String) -> String {
    if let parameter = uses.gradientOf[value]?.first {
      return "d_" + name(of: Value(node: parameter), in: scope)
    }
    if let product = productWhoseGradient(value) { return "d_" + productName(product, in: scope) }
    if let target = gradientTarget(of: value) {
      let isRows = graph.type(of: value).experts != nil && graph.type(of: target).experts == nil
      return "d_" + name(of: target, in: scope) + (isRows ? "_rows" : "")
    }
    let path = path(of: graph.nodes[value.node], in: scope)
    // Where backward begins there is nothing to read: the loss's gradient by itself is 1.
    if graph.nodes[value.node].inputs.isEmpty { return "d_" + Self.joined(path, "") }
    return "d_" + Self.joined(path, path.isEmpty ? "value" : "input")
  }

  /// The forward value whose gradient a backward value is, as far as the ops tell.
  func gradientTarget(of value: Value) -> Value? {
    let node = graph.nodes[value.node]
    guard node.phase == .backward else { return nil }
    switch node.op {
    case .layerNormGradient: return [node.inputs[1], node.inputs[2], nil][value.result]
    case .attentionGradient: return node.inputs[2 + value.result]
    case .combineGradient: return node.inputs[1 + value.result]
    case .crossEntropyGradient: return node.inputs[1]
    case .topGradient: return firstInput(ofProducer: node.inputs[1])
    case .softmaxGradient: return firstInput(ofProducer: node.inputs[1])
    case .linearInputGradient: return operand(0, ofForward: .linear, reading: node.inputs[1])
    case .linearWeightGradient:
      return value.result == 0 ? weight(readBy: .linear, with: node.inputs[1]) : nil
    case .dispatchGradient:
      return operand(0, ofForward: .dispatch, reading: node.inputs[1])
        ?? gradientTarget(of: node.inputs[0])
    case .pointwise(let op) where op.expression.isSum:
      return node.inputs.lazy.compactMap(gradientTarget).first
    case .mergeHeads, .splitHeads, .transpose, .causalMask, .sum, .pointwise, .matmul,
      .input, .parameter, .embedding, .linear, .layerNorm, .softmax, .attention, .top, .route,
      .dispatch, .combine, .crossEntropy, .embeddingGradient:
      return nil
    }
  }

  /// The forward product of whose result a value is the gradient: its gradients read it as dy.
  private func productWhoseGradient(_ value: Value) -> Int? {
    for reader in uses.readers[value] ?? [] {
      let node = graph.nodes[reader]
      guard node.op.kind == .linearInputGradient, node.inputs[0] == value else { continue }
      return uses.readers[node.inputs[1]]?.first {
        graph.nodes[$0].op.kind == .linear && graph.nodes[$0].inputs[1] == node.inputs[1]
      }
    }
    return nil
  }

  private func firstInput(ofProducer value: Value) -> Value? {
    graph.nodes[value.node].inputs.first
  }

  /// The operand of the forward node of a kind that reads a value.
  private func operand(_ index: Int, ofForward kind: OpKind, reading value: Value) -> Value? {
    uses.readers[value]?.first {
      graph.nodes[$0].op.kind == kind && graph.nodes[$0].phase == .forward
    }
    .map { graph.nodes[$0].inputs[index] }
  }

  private func weight(readBy kind: OpKind, with input: Value) -> Value? {
    uses.readers[input]?.first { graph.nodes[$0].op.kind == kind }.map { graph.nodes[$0].inputs[1] }
  }
}

extension ScalarExpression {
  /// Whether the expression adds inputs and does nothing else.
  fileprivate var isSum: Bool {
    switch self {
    case .input: true
    case .binary(.add, let a, let b): a.isSum && b.isSum
    case .constant, .unary, .binary, .normal, .keep: false
    }
  }
}
