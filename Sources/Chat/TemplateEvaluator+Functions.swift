// Tests, filters, methods and functions.
extension TemplateEvaluator {
  func test(_ value: TemplateValue, _ name: String) throws(TemplateError) -> Bool {
    switch (name, value) {
    case ("defined", _): return value != .undefined
    case ("undefined", _): return value == .undefined
    case ("none", _): return value == .none
    case ("string", .text), ("mapping", .object), ("number", .number), ("boolean", .bool),
      ("sequence", .list), ("sequence", .text), ("iterable", .list), ("iterable", .text),
      ("iterable", .object):
      return true
    case ("true", _): return value == .bool(true)
    case ("false", _): return value == .bool(false)
    case ("string", _), ("mapping", _), ("number", _), ("boolean", _), ("sequence", _),
      ("iterable", _):
      return false
    case (_, _): throw fail("the test \(name) is not known")
    }
  }

  mutating func call(
    _ name: String, _ base: TemplateExpression?, _ list: [TemplateExpression],
    _ named: [String: TemplateExpression]
  ) throws(TemplateError) -> TemplateValue {
    var arguments: [TemplateValue] = []
    for expression in list { arguments.append(try value(expression)) }
    guard let base else { return try function(name, arguments, named) }
    return try apply(name, try value(base), arguments)
  }

  private mutating func function(
    _ name: String, _ arguments: [TemplateValue], _ named: [String: TemplateExpression]
  ) throws(TemplateError) -> TemplateValue {
    switch name {
    case "raise_exception": throw .raised(arguments.first?.written ?? "")
    case "namespace", "dict":
      var members: [String: TemplateValue] = [:]
      for (key, expression) in named { members[key] = try value(expression) }
      return .object(members)
    case "range":
      let numbers = arguments.compactMap { if case .number(let n) = $0 { n } else { nil } }
      guard (1...2).contains(numbers.count), numbers.count == arguments.count,
        numbers.allSatisfy({ abs($0) < 100_000 })
      else { throw fail("range has no such numbers") }
      let (first, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
      return .list(first < end ? (first..<end).map { .number($0) } : [])
    case _: throw fail("the function \(name) is not known")
    }
  }

  /// A filter, or a method of a text or an object.
  private func apply(
    _ name: String, _ base: TemplateValue, _ arguments: [TemplateValue]
  ) throws(TemplateError) -> TemplateValue {
    switch (name, base) {
    case ("default", _), ("d", _):
      let isMissing =
        arguments.dropFirst().first?.isTrue == true ? !base.isTrue : base == .undefined
      return isMissing ? arguments.first ?? .text("") : base
    case ("tojson", _): return .text(base.quoted)
    case ("string", _): return .text(base.written)
    case ("length", .text(let text)), ("count", .text(let text)):
      return .number(text.unicodeScalars.count)
    case ("length", .list(let list)), ("count", .list(let list)): return .number(list.count)
    case ("length", .object(let object)): return .number(object.count)
    case ("first", .list(let list)): return list.first ?? .undefined
    case ("last", .list(let list)): return list.last ?? .undefined
    case ("list", .list): return base
    case ("reverse", .list(let list)): return .list(list.reversed())
    case ("join", .list(let list)):
      return .text(list.map(\.written).joined(separator: arguments.first?.written ?? ""))
    case ("items", .object(let object)):
      return .list(object.sorted { $0.key < $1.key }.map { .list([.text($0.key), $0.value]) })
    case ("keys", .object(let object)): return .list(object.keys.sorted().map { .text($0) })
    case ("get", .object(let object)):
      return object[arguments.first?.written ?? ""] ?? arguments.dropFirst().first ?? .none
    case (_, .text(let text)): return try method(name, text, arguments)
    case (_, _): throw fail("\(base.kind) has no \(name)")
    }
  }

  private func method(
    _ name: String, _ text: String, _ arguments: [TemplateValue]
  ) throws(TemplateError) -> TemplateValue {
    let texts = arguments.map(\.written)
    switch (name, texts.count) {
    case ("trim", _), ("strip", _): return .text(stripped(text, texts.first, true, true))
    case ("lstrip", _): return .text(stripped(text, texts.first, true, false))
    case ("rstrip", _): return .text(stripped(text, texts.first, false, true))
    case ("upper", 0): return .text(text.uppercased())
    case ("lower", 0): return .text(text.lowercased())
    case ("capitalize", 0):
      return .text(text.prefix(1).uppercased() + text.dropFirst().lowercased())
    case ("title", 0):
      let words = text.split(separator: " ", omittingEmptySubsequences: false)
      return .text(
        words.map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: " ")
      )
    case ("startswith", 1): return .bool(text.hasPrefix(texts[0]))
    case ("endswith", 1): return .bool(text.hasSuffix(texts[0]))
    case ("replace", 2): return .text(text.replacing(texts[0], with: texts[1]))
    case ("split", 0):
      return .list(text.split(whereSeparator: \.isWhitespace).map { .text(String($0)) })
    case ("split", 1) where !texts[0].isEmpty:
      return .list(
        text.split(separator: texts[0], omittingEmptySubsequences: false).map { .text(String($0)) })
    case (_, _): throw fail("a text has no \(name) of \(texts.count) values")
    }
  }

  /// Without some characters at the ends, white space unless others are given.
  private func stripped(_ text: String, _ set: String?, _ left: Bool, _ right: Bool) -> String {
    func goes(_ character: Character) -> Bool {
      set.map { $0.contains(character) } ?? character.isWhitespace
    }
    var rest = Substring(text)
    if left { rest = rest.drop(while: goes) }
    while right, let last = rest.last, goes(last) { rest.removeLast() }
    return String(rest)
  }
}
