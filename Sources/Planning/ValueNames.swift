import GraphIR
import Lowering

/// Names of values for a reader: the layer's name in the model, the user's own `let`, or what the op
/// makes; gradients are `d_` and the name of what they are the gradient of.
struct ValueNames {
  let uses: ValueUses

  /// The lines of the model's source, from which the names of `let`s are read.
  let source: SourceLines

  /// Names of what comes into a layer and goes out of it, which hold within the layer.
  var edgeNames: [Value: String] = [:]

  private var program: Program { uses.program }

  init(_ uses: ValueUses, source: String?) {
    self.uses = uses
    self.source = SourceLines(source ?? "")
  }

  /// The name of a value within the layer whose scope is given.
  func name(of value: Value, in scope: String) -> String {
    if let name = edgeNames[value] { return name }
    guard let call = uses.call(making: value) else { return sourceName(of: value, in: scope) }
    if call.phase == .backward { return gradientName(of: value, in: scope) }
    if let name = finishName(of: call, in: scope) { return name }
    if call.kernel.isJoined, call.op?.kind == .linear { return productName(call, in: scope) }
    return Self.joined(path(of: call, in: scope), role(of: call, value))
  }

  private func sourceName(of value: Value, in scope: String) -> String {
    switch uses.source(of: value)?.op {
    case .parameter(let parameter): Self.field(parameter.name, in: scope)
    case .input(let input): input.kind.rawValue
    case _: "value"
    }
  }

  /// A product's name; of several weights, all their names: `attention_query_key_value`.
  private func productName(_ call: Program.Call, in scope: String) -> String {
    let parts = call.kernel.all(.weights).dropFirst().map { weights in
      uses.source(of: weights)?.scope.split(separator: ".").last ?? ""
    }
    return ([path(of: call, in: scope)] + parts.map(String.init)).joined(separator: "_")
  }

  /// A call's scope as an identifier: below a layer's own, or if the call lies in another use, below
  /// that one's. Its number says nothing there, and would make equal layers unequal.
  private func path(of call: Program.Call, in scope: String) -> String {
    let isBelow = scope.isEmpty || call.scope == scope || call.scope.hasPrefix(scope + ".")
    return Self.field(call.scope, in: isBelow ? scope : call.layer?.scope ?? "")
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
  private func role(of call: Program.Call, _ value: Value) -> String {
    guard let op = call.op else { return call.kernel.action == .fit ? "copy" : "" }
    let name = op.forward?.resultNames[value.result] ?? op.mnemonic
    return takesLetName(op) ? letName(at: call.location) ?? name : name
  }

  /// Whether a line `let h = …` names the result: what has a name of its own in the model keeps that.
  private func takesLetName(_ op: Op) -> Bool {
    if case .pointwise = op { return true }
    if case .softmax = op { return true }
    return false
  }

  /// The name of the `let` that a product's last step is, if that is a line of its own.
  private func finishName(of call: Program.Call, in scope: String) -> String? {
    guard let finish = call.kernel.finish, let location = finish.location else { return nil }
    if location.line == call.location?.line { return nil }
    return letName(at: location).map { Self.joined(Self.field(finish.scope, in: scope), $0) }
  }

  /// Whether the user named a value by a `let`.
  func isNamedByLet(_ value: Value) -> Bool {
    guard let call = uses.call(making: value), case .pointwise = call.op else { return false }
    return letName(at: call.location) != nil
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
      return "d_" + name(of: parameter, in: scope)
    }
    if let product = productWhoseGradient(value) { return "d_" + productName(product, in: scope) }
    if let target = gradientTarget(of: value) {
      let isRows =
        program.type(of: value).experts != nil && program.type(of: target).experts == nil
      let name = "d_" + name(of: target, in: scope)
      if isRows { return name + "_rows" }
      return isPart(value, of: target) ? name + "_from_" + maker(of: value, in: scope) : name
    }
    guard let call = uses.call(making: value) else { return "d_value" }
    let path = path(of: call, in: scope)
    // Where backward begins there is nothing to read: the loss's gradient by itself is 1.
    if call.inputs.isEmpty { return "d_" + Self.joined(path, "") }
    return "d_" + Self.joined(path, path.isEmpty ? "value" : "input")
  }

  /// The forward value whose gradient a backward value is, as far as the ops tell: a result has the
  /// role of that whose gradient it is, and most calls read that too.
  func gradientTarget(of value: Value) -> Value? {
    guard let call = uses.call(making: value), call.phase == .backward, let op = call.op else {
      return nil
    }
    if case .pointwise(let op) = op, op.expression.isSum {
      return call.inputs.lazy.compactMap(gradientTarget).first
    }
    guard let gradient = op.gradient else { return nil }
    switch gradient.target(ofResult: value.result) {
    case .operand(let operand): return call.operand(operand)
    case .operandOfMaker(let operand, let made):
      return call.operand(made).flatMap { uses.call(making: $0)?.operand(operand) }
    case .operandOfReader(let operand, let read):
      let readers = call.operand(read).map { uses.readers(of: $0).map { program.calls[$0] } } ?? []
      let forward = readers.first { $0.op?.kind == type(of: gradient).forward }
      // Where no op is left, what it did belongs to another: products gather dispatched rows.
      return forward?.operand(operand) ?? call[.gradient].flatMap(gradientTarget)
    case nil: return nil
    }
  }

  /// The forward product of whose result a value is the gradient: its gradients read it as dy.
  private func productWhoseGradient(_ value: Value) -> Program.Call? {
    for reader in uses.readers(of: value) {
      let call = program.calls[reader]
      guard call.op?.kind == .linearInputGradient, call[.gradient] == value,
        let weights = call[.weights]
      else { continue }
      return uses.readers(of: weights).map { program.calls[$0] }.first {
        $0.op?.kind == .linear && $0[.weights] == weights
      }
    }
    return nil
  }
}

extension ScalarExpression {
  /// Whether the expression adds inputs and does nothing else.
  var isSum: Bool {
    switch self {
    case .input: true
    case .binary(.add, let a, let b): a.isSum && b.isSum
    case .constant, .unary, .binary, .normal, .keep: false
    }
  }
}
