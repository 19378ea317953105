extension ModelSetting {
  /// The line of a graph: `setting "experts" whole 16 usual 8 in 2 to 64 help "of a layer" @ m.swift:4:9`,
  /// `setting "gate" word "relu" usual "silu" of "relu" "silu"`.
  var line: String {
    var words = ["setting \(name.quoted)"]
    switch usual {
    case .whole: words.append("whole")
    case .number: words.append("number")
    case .word: words.append("word")
    }
    words += [value.written, "usual \(usual.written)"]
    switch choices {
    case .any: break
    case .whole(let range): words.append("in \(range.lowerBound) to \(range.upperBound)")
    case .number(let range): words.append("in \(range.lowerBound) to \(range.upperBound)")
    case .words(let choices): words += ["of"] + choices.map(\.quoted)
    }
    if !help.isEmpty { words.append("help \(help.quoted)") }
    return words.joined(separator: " ") + (location.map { " @ \($0.text)" } ?? "")
  }
}

extension ModelSetting.Value {
  /// As graphs have it: words in quotes.
  fileprivate var written: String {
    if case .word(let word) = self { word.quoted } else { description }
  }
}

extension GraphParser {
  /// `setting …`, as `ModelSetting.line` writes it; nil if the line is another.
  mutating func setting() throws(Diagnostic) -> ModelSetting? {
    _ = cursor.skipEmptyLines()
    guard cursor.sees("setting ") else { return nil }
    try cursor.expectWord("setting")
    let name = try cursor.string("a setting's name")
    cursor.skipSpaces()
    let start = cursor.position
    let kind = try cursor.name("whole, number or word")
    guard ["whole", "number", "word"].contains(kind) else {
      throw cursor.failure("unknown kind of setting \(kind)", at: start)
    }
    let value = try value(kind)
    try cursor.expectWord("usual")
    let usual = try self.value(kind)
    var setting = ModelSetting(name: name, value: value, usual: usual)
    setting.choices = try choices(kind)
    if cursor.accept("help ") { setting.help = try cursor.string("a line of help") }
    if cursor.accept("@") { setting.location = try location() }
    try cursor.expectEndOfLine()
    return setting
  }

  private mutating func value(_ kind: String) throws(Diagnostic) -> ModelSetting.Value {
    switch kind {
    case "whole": .whole(try whole())
    case "number": .number(try cursor.number("a number"))
    default: .word(try cursor.string("a word"))
    }
  }

  private mutating func whole() throws(Diagnostic) -> Int {
    cursor.skipSpaces()
    let start = cursor.position
    let number = try cursor.number("a whole number")
    guard let whole = Int(exactly: number), abs(whole) <= ModelSetting.largest else {
      throw cursor.failure("\(number) is no whole number that a setting can be", at: start)
    }
    return whole
  }

  private mutating func choices(_ kind: String) throws(Diagnostic) -> ModelSetting.Choices {
    if kind == "word" {
      try cursor.expectWord("of")
      var words: [String] = []
      while cursor.sees("\"") { words.append(try cursor.string("a word")) }
      return .words(words)
    }
    guard cursor.accept("in ") else { return .any }
    cursor.skipSpaces()
    let start = cursor.position
    if kind == "whole" {
      let low = try whole()
      try cursor.expectWord("to")
      let high = try whole()
      guard low <= high else { throw cursor.failure("\(low) is above \(high)", at: start) }
      return .whole(low...high)
    }
    let low = try cursor.number("a number")
    try cursor.expectWord("to")
    let high = try cursor.number("a number")
    guard low <= high else { throw cursor.failure("\(low) is above \(high)", at: start) }
    return .number(low...high)
  }
}
