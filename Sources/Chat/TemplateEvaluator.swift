/// Runs a template.
struct TemplateEvaluator {
  var names: [String: TemplateValue] = [:]
  private(set) var text = ""
  /// Bytes of the text's UTF-8 that the template marks as the model's.
  private(set) var generated: [Range<Int>] = []
  /// Where in the template it is.
  private var line = 1
  private var steps = 0

  /// A template that does more, or writes more, is no template.
  private static let mostSteps = 1_000_000
  private static let longest = 1 << 24

  mutating func run(_ nodes: [ChatTemplate.Node]) throws(TemplateError) {
    for node in nodes {
      steps += 1
      if steps > Self.mostSteps || text.utf8.count > Self.longest { throw fail("it does not end") }
      switch node {
      case .text(let text): self.text += text
      case .write(let expression, let line):
        self.line = line
        text += try value(expression).written
      case .set(let name, let member, let expression, let line):
        self.line = line
        try set(name, member, try value(expression))
      case .choice(let branches, let line):
        self.line = line
        try choose(branches)
      case .loop(let names, let list, let condition, let body, let line):
        self.line = line
        try loop(names, try value(list), condition, body)
      case .generation(let body): try generate(body)
      }
    }
  }

  func fail(_ reason: String) -> TemplateError { .malformed(line: line, reason: reason) }

  private mutating func set(
    _ name: String, _ member: String?, _ value: TemplateValue
  ) throws(TemplateError) {
    guard let member else {
      names[name] = value
      return
    }
    guard case .object(var object)? = names[name] else { throw fail("\(name) has no members") }
    object[member] = value
    names[name] = .object(object)
  }

  private mutating func choose(
    _ branches: [(condition: TemplateExpression?, body: [ChatTemplate.Node])]
  ) throws(TemplateError) {
    for branch in branches {
      if let condition = branch.condition, try !value(condition).isTrue { continue }
      return try run(branch.body)
    }
  }

  /// What a loop sets is gone behind it, but for members of namespaces.
  private mutating func loop(
    _ targets: [String], _ list: TemplateValue, _ condition: TemplateExpression?,
    _ body: [ChatTemplate.Node]
  ) throws(TemplateError) {
    let before = names
    var elements = try elements(of: list)
    if let condition {
      var kept: [TemplateValue] = []
      for element in elements {
        try bind(targets, element)
        if try value(condition).isTrue { kept.append(element) }
      }
      elements = kept
    }
    for (index, element) in elements.enumerated() {
      try bind(targets, element)
      names["loop"] = .object([
        "index": .number(index + 1), "index0": .number(index), "first": .bool(index == 0),
        "last": .bool(index == elements.count - 1), "length": .number(elements.count),
        "revindex": .number(elements.count - index),
        "previtem": index > 0 ? elements[index - 1] : .undefined,
        "nextitem": index + 1 < elements.count ? elements[index + 1] : .undefined,
      ])
      try run(body)
    }
    names = before.merging(names.filter { before[$0.key].map(Self.isObject) ?? false }) { $1 }
    for target in targets + ["loop"] { names[target] = before[target] }
  }

  /// A block of its own, as in a macro: what it sets is gone behind it.
  private mutating func generate(_ body: [ChatTemplate.Node]) throws(TemplateError) {
    let (before, start) = (names, text.utf8.count)
    try run(body)
    names = before.merging(names.filter { before[$0.key].map(Self.isObject) ?? false }) { $1 }
    if start < text.utf8.count { generated.append(start..<text.utf8.count) }
  }

  private static func isObject(_ value: TemplateValue) -> Bool {
    if case .object = value { true } else { false }
  }

  private mutating func bind(
    _ targets: [String], _ element: TemplateValue
  ) throws(TemplateError) {
    if targets.count == 1 {
      names[targets[0]] = element
      return
    }
    guard case .list(let parts) = element, parts.count == targets.count else {
      throw fail("\(element.kind) does not fall into \(targets.count) parts")
    }
    for (target, part) in zip(targets, parts) { names[target] = part }
  }

  private func elements(of list: TemplateValue) throws(TemplateError) -> [TemplateValue] {
    switch list {
    case .list(let list): return list
    case .object(let object): return object.keys.sorted().map { .text($0) }
    case .undefined: return []
    case .none, .bool, .number, .text: throw fail("\(list.kind) is no list to go through")
    }
  }

  // MARK: - Expressions

  mutating func value(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
    switch expression {
    case .value(let value): return value
    case .name(let name): return names[name] ?? .undefined
    case .list(let list): return .list(try values(list))
    case .object(let members):
      var object: [String: TemplateValue] = [:]
      for (name, member) in members { object[name] = try value(member) }
      return .object(object)
    case .member(let base, let key): return try member(try value(base), try value(key))
    case .slice(let base, let from, let to, let by):
      return try slice(
        try value(base), try from.map { (e) throws(TemplateError) in try value(e) },
        try to.map { (e) throws(TemplateError) in try value(e) }, by)
    case .call(let name, let base, let list, let named):
      return try call(name, base, list, named)
    case .test(let base, let name, let isNegated):
      let result = try test(try value(base), name)
      return .bool(result != isNegated)
    case .not(let inner): return .bool(!(try value(inner).isTrue))
    case .minus(let inner):
      guard case .number(let number) = try value(inner) else { throw fail("- is for numbers") }
      return .number(-number)
    case .binary(let mark, let left, let right): return try binary(mark, left, right)
    case .choice(let one, let condition, let other):
      if try value(condition).isTrue { return try value(one) }
      guard let other else { return .undefined }
      return try value(other)
    }
  }

  private mutating func values(
    _ list: [TemplateExpression]
  ) throws(TemplateError) -> [TemplateValue] {
    var values: [TemplateValue] = []
    for expression in list { values.append(try value(expression)) }
    return values
  }

  private func member(
    _ base: TemplateValue, _ key: TemplateValue
  ) throws(TemplateError) -> TemplateValue {
    switch (base, key) {
    case (.object(let object), .text(let name)): return object[name] ?? .undefined
    case (.list(let list), .number(let index)):
      let place = index < 0 ? list.count + index : index
      return list.indices.contains(place) ? list[place] : .undefined
    case (.text(let text), .number(let index)):
      let characters = Array(text.unicodeScalars)
      let place = index < 0 ? characters.count + index : index
      return characters.indices.contains(place) ? .text(String(characters[place])) : .undefined
    case (.undefined, _), (.none, _): throw fail("\(base.kind) has no member \(key.written)")
    case (_, _): return .undefined
    }
  }

  private func slice(
    _ base: TemplateValue, _ from: TemplateValue?, _ to: TemplateValue?, _ by: Int
  ) throws(TemplateError) -> TemplateValue {
    func sliced<Element>(_ all: [Element]) throws(TemplateError) -> [Element] {
      func place(_ value: TemplateValue?, _ usual: Int) throws(TemplateError) -> Int {
        guard let value, value != .none else { return usual }
        guard case .number(let number) = value else { throw fail("a slice goes by numbers") }
        return min(max(number < 0 ? all.count + number : number, 0), all.count)
      }
      if by < 0 {
        guard from == nil, to == nil, by == -1 else { throw fail("it slices backwards") }
        return all.reversed()
      }
      let (first, end) = (try place(from, 0), try place(to, all.count))
      return first < end ? stride(from: first, to: end, by: by).map { all[$0] } : []
    }
    switch base {
    case .list(let list): return .list(try sliced(list))
    case .text(let text):
      var part = String.UnicodeScalarView()
      part.append(contentsOf: try sliced(Array(text.unicodeScalars)))
      return .text(String(part))
    case .none, .undefined, .bool, .number, .object: throw fail("\(base.kind) has no slices")
    }
  }

  private mutating func binary(
    _ mark: String, _ left: TemplateExpression, _ right: TemplateExpression
  ) throws(TemplateError) -> TemplateValue {
    let a = try value(left)
    if mark == "and" { return a.isTrue ? try value(right) : a }
    if mark == "or" { return a.isTrue ? a : try value(right) }
    let b = try value(right)
    switch (mark, a, b) {
    case ("==", _, _): return .bool(a == b)
    case ("!=", _, _): return .bool(a != b)
    case ("~", _, _): return .text(a.written + b.written)
    case ("in", _, .list(let list)): return .bool(list.contains(a))
    case ("in", .text(let key), .object(let object)): return .bool(object[key] != nil)
    case ("in", .text(let part), .text(let whole)):
      return .bool(part.isEmpty || whole.contains(part))
    case ("in", _, .undefined): return .bool(false)
    case ("+", .text(let x), .text(let y)): return .text(x + y)
    case ("+", .list(let x), .list(let y)): return .list(x + y)
    case (_, .number(let x), .number(let y)): return try arithmetic(mark, x, y)
    case ("<", .text(let x), .text(let y)): return .bool(x < y)
    case (_, _, _): throw fail("\(mark) does not join \(a.kind) and \(b.kind)")
    }
  }

  private func arithmetic(_ mark: String, _ x: Int, _ y: Int) throws(TemplateError) -> TemplateValue
  {
    switch mark {
    case "<": return .bool(x < y)
    case ">": return .bool(x > y)
    case "<=": return .bool(x <= y)
    case ">=": return .bool(x >= y)
    case "%":
      if y == 0 { throw fail("a number is divided by 0") }
      let rest = x % y
      return .number(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest)
    default: break
    }
    let result =
      mark == "+"
      ? x.addingReportingOverflow(y)
      : mark == "-" ? x.subtractingReportingOverflow(y) : x.multipliedReportingOverflow(by: y)
    if result.overflow { throw fail("a number is too large") }
    return .number(result.partialValue)
  }
}
