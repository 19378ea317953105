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
    let name = node.op.forward?.resultNames[result] ?? node.op.mnemonic
    return takesLetName(node.op) ? letName(at: node.location) ?? name : name
  }

  /// Whether a line `let h = …` names the result: what has a name of its own in the model keeps that.
  private func takesLetName(_ op: Op) -> Bool {
    if case .pointwise = op { return true }
    if case .softmax = op { return true }
    return false
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
    if case .pointwise(let op) = node.op, op.expression.isSum {
      return node.inputs.lazy.compactMap(gradientTarget).first
    }
    guard let gradient = node.op.gradient else { return nil }
    switch gradient.target(ofResult: value.result) {
    case .operand(let operand): return node.inputs[operand]
    case .operandOfMaker(let operand, let made):
      return graph.nodes[node.inputs[made].node].inputs[operand]
    case .operandOfReader(let operand, let read):
      let forward = uses.readers[node.inputs[read]]?.first {
        graph.nodes[$0].op.kind == type(of: gradient).forward
      }
      // Where no op is left, what it did belongs to another: products gather dispatched rows.
      return forward.map { graph.nodes[$0].inputs[operand] } ?? gradientTarget(of: node.inputs[0])
    case nil: return nil
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
