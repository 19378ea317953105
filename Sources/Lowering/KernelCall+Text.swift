import GraphIR

extension KernelCall {
  /// The call in a line, operands and results by role:
  ///
  ///     output %12 = linear(rows %9, weights %3, bias %4, extra %2) {bias} then x1 + relu(x0)
  ///     output %12 %14 = linear(rows %9, weights %3 %5) then none, relu(x0) @ "up" model.swift:9:5
  ///
  /// Behind `then` stand the last steps in the order of the results, each with its place in the model.
  ///
  /// - Parameter content: what stands for an operand.
  public func text(_ marks: AxisMarks, _ content: (Content) -> String) -> String {
    let made = Self.list(results, content)
    var text = made + (made.isEmpty ? "" : " ") + "= " + action.name
    text += "(" + Self.list(operands, content) + ")"
    if let op {
      let attributes = op.mappingAxes(marks.marked).operation.attributes
      if !attributes.entries.isEmpty { text += " \(attributes)" }
    }
    return text + finishText
  }

  private var finishText: String {
    guard let last = finishes.keys.max() else { return "" }
    let texts = (0...last).map { place in
      finishes[place].map { "\($0.expression)" + Origin($0.scope, nil, $0.location).text } ?? "none"
    }
    return " then " + texts.joined(separator: ", ")
  }

  /// `weights %3 %5, bias %4`.
  private static func list(_ bindings: [Binding], _ content: (Content) -> String) -> String {
    var text = ""
    var last: Role?
    for binding in bindings {
      if binding.role != last { text += (last == nil ? "" : ", ") + binding.role.rawValue }
      text += " " + content(binding.content)
      last = binding.role
    }
    return text
  }
}

extension TextReader {
  /// Reads what `KernelCall.text` writes.
  ///
  /// - Parameter content: reads an operand.
  package mutating func call<Content>(
    _ content: (inout TextReader) throws(Diagnostic) -> Content
  ) throws(Diagnostic) -> KernelCall<Content> {
    let results = sees("=") ? [] : try bindings("=", content)
    try expect("=")
    let action = try actionName()
    try expect("(")
    let operands = sees(")") ? [] : try bindings(")", content)
    try expect(")")
    var call = KernelCall<Content>(try self.action(action), operands, to: results)
    if acceptWord("then") { call.finishes = try finishes() }
    return call
  }

  /// The last steps of the results, one after the other.
  private mutating func finishes() throws(Diagnostic) -> [Int: Finish] {
    var finishes: [Int: Finish] = [:]
    var place = 0
    repeat {
      if !acceptWord("none") {
        let expression = try expression()
        let origin = try origin()
        finishes[place] = Finish(expression, scope: origin.scope, location: origin.location)
      }
      place += 1
    } while accept(",")
    return finishes
  }

  /// Roles and what has them, up to a mark.
  private mutating func bindings<Content>(
    _ end: String, _ content: (inout TextReader) throws(Diagnostic) -> Content
  ) throws(Diagnostic) -> [KernelCall<Content>.Binding] {
    var bindings: [KernelCall<Content>.Binding] = []
    repeat {
      let name = try name("a role")
      guard let role = Role(rawValue: name) else { throw failure("unknown role \(name)") }
      repeat {
        bindings.append(.init(role, try content(&self)))
      } while !sees(",") && !sees(end)
    } while accept(",")
    return bindings
  }

  /// An action without operands of its own, or the kind of an op.
  private enum ActionName {
    case action(Action)
    case op(OpKind)
  }

  private mutating func actionName() throws(Diagnostic) -> ActionName {
    for action in [Action.fit, .pack, .unpack, .copy] where acceptWord(action.name) {
      return .action(action)
    }
    return .op(try kind())
  }

  private mutating func action(_ name: ActionName) throws(Diagnostic) -> Action {
    switch name {
    case .action(let action): action
    case .op(let kind): .op(try op(kind))
    }
  }
}
