import GraphIR
import Lowering

/// Names of values for a reader: the layer's name in the model, the user's own `let`, or what the op
/// makes; gradients are `d_` and the name of what they are the gradient of.
struct ValueNames {
  let uses: ValueUses

  /// The lines of the model's source, from which the names of `let`s are read.
  let source: ModelLines

  /// Names of what comes into a layer and goes out of it, which hold within the layer.
  var edgeNames: [Value: String] = [:]

  /// The forward values whose gradients backward values are.
  private var targets: [Value: Value] = [:]

  private var program: Program { uses.program }

  init(_ uses: ValueUses, source: ModelSource?) {
    self.uses = uses
    self.source = ModelLines(source)
    // In the order of calls, so that each asks what is known of those before it: two paths through every
    // layer would be twice as many in the next.
    for call in uses.program.calls where call.phase == .backward {
      for result in call.results { targets[result] = gradientTarget(of: result, madeBy: call) }
    }
  }

  /// The name of a value within the layer whose scope is given.
  func name(of value: Value, in scope: String) -> String {
    if let name = edgeNames[value] { return name }
    guard let call = uses.call(making: value) else { return sourceName(of: value, in: scope) }
    if call.phase == .backward { return gradientName(of: value, in: scope) }
    if let name = finishName(of: call, value, in: scope) { return name }
    if call.op?.kind == .linear, call.kernel.isJoined { return productName(call, value, in: scope) }
    return Self.joined(path(of: call, in: scope), role(of: call, value))
  }

  private func sourceName(of value: Value, in scope: String) -> String {
    switch uses.source(of: value)?.op {
    case .parameter(let parameter): Self.field(parameter.name, in: scope)
    case .input(let input): input.kind.rawValue
    case _: "value"
    }
  }

  /// The name of a product's result; of several side by side all their names:
  /// `attention_query_key_value`.
  private func productName(_ call: Program.Call, _ value: Value, in scope: String) -> String {
    if call.kernel.keepsPartsApart {
      return Self.joined(path(of: origin(of: value, call), in: scope), role(of: call, value))
    }
    let parts = call.joined.map { $0.scope.split(separator: ".").last ?? "" }
    return ([path(of: call, in: scope)] + parts.map(String.init)).joined(separator: "_")
  }

  /// Where the part of a call comes from that makes a value.
  private func origin(of value: Value, _ call: Program.Call) -> Origin {
    let place = call.results.firstIndex(of: value) ?? 0
    let isPart = call.kernel.keepsPartsApart && call.joined.indices.contains(place - 1)
    return isPart ? call.joined[place - 1] : Origin(call.scope, call.layer, call.location)
  }

  /// A call's scope as an identifier.
  private func path(of call: Program.Call, in scope: String) -> String {
    path(of: Origin(call.scope, call.layer, call.location), in: scope)
  }

  /// A scope as an identifier: below a layer's own, or if it lies in another use, below that one's. Its
  /// number says nothing there, and would make equal layers unequal.
  private func path(of origin: Origin, in scope: String) -> String {
    let isBelow = scope.isEmpty || origin.scope == scope || origin.scope.hasPrefix(scope + ".")
    return Self.field(origin.scope, in: isBelow ? scope : origin.layer?.scope ?? "")
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
  private func finishName(of call: Program.Call, _ value: Value, in scope: String) -> String? {
    guard let place = call.results.firstIndex(of: value),
      let finish = call.kernel.finishes[place], let location = finish.location
    else { return nil }
    let origin = origin(of: value, call).location
    if location.line == origin?.line, location.file == origin?.file { return nil }
    return letName(at: location).map { Self.joined(Self.field(finish.scope, in: scope), $0) }
  }

  /// Whether the user named a value by a `let`.
  func isNamedByLet(_ value: Value) -> Bool {
    guard let call = uses.call(making: value), case .pointwise = call.op else { return false }
    return letName(at: call.location) != nil
  }

  /// `h` where the model's line reads `let h = …`.
  private func letName(at location: SourceLocation?) -> String? {
    guard let location, let line = source[location] else { return nil }
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
    if let (product, result) = productWhoseGradient(value) {
      return "d_" + productName(product, result, in: scope)
    }
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
  func gradientTarget(of value: Value) -> Value? { targets[value] }

  private func gradientTarget(of value: Value, madeBy call: Program.Call) -> Value? {
    guard let op = call.op else { return nil }
    if case .pointwise(let op) = op, op.expression.isSum {
      return call.inputs.lazy.compactMap { targets[$0] }.first
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
      return forward?.operand(operand) ?? call[.gradient].flatMap { targets[$0] }
    case nil: return nil
    }
  }

  /// The forward product, and of its results the one, whose gradient a value is: what makes gradients
  /// of it reads it as dy.
  private func productWhoseGradient(_ value: Value) -> (product: Program.Call, result: Value)? {
    for reader in uses.readers(of: value) {
      let call = program.calls[reader]
      guard call.op?.kind == .linearInputGradient,
        let part = call.kernel.all(.gradient).firstIndex(of: value),
        call.kernel.all(.weights).indices.contains(part)
      else { continue }
      let weights = call.kernel.all(.weights)[part]
      for product in uses.readers(of: weights).map({ program.calls[$0] })
      where product.op?.kind == .linear {
        guard let place = product.kernel.all(.weights).firstIndex(of: weights) else { continue }
        return (product, product.results.count > 1 ? product.results[place] : product.results[0])
      }
      return nil
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
