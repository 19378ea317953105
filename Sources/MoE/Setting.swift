import GraphIR

/// A whole number that whoever compiles the model may choose: an ordinary `Int`, for sizes of axes and
/// counts alike.
///
///     let E = Axis("E", Setting("experts", 8, in: 2...64, help: "experts of a layer"))
///     let chosen = Setting("chosen", 2)
///
/// It is `value` unless `moec compile --set experts=16` says otherwise, or `moec search` does. The name
/// is a letter followed by letters, digits, `-` and `_`; `moec check model.swift --settings` lists all.
public func Setting(
  _ name: String, _ value: Int, in range: ClosedRange<Int>? = nil, help: String = "",
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Int {
  let chosen = Settings.choose(
    name, .whole(value), range.map(ModelSetting.Choices.whole) ?? .any, help,
    Site(file, line, column, name: "Setting"))
  if case .whole(let number) = chosen { return number }
  return value
}

/// A number that whoever compiles the model may choose.
///
///     let dropout = Setting("dropout", 0.1, in: 0...0.5)
///
public func Setting(
  _ name: String, _ value: Double, in range: ClosedRange<Double>? = nil, help: String = "",
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Double {
  let chosen = Settings.choose(
    name, .number(value), range.map(ModelSetting.Choices.number) ?? .any, help,
    Site(file, line, column, name: "Setting"))
  if case .number(let number) = chosen { return number }
  return value
}

/// One of some words that whoever compiles the model may choose.
///
///     let gate = Setting("gate", "softmax", of: ["softmax", "sigmoid"])
///
/// A word is letters, digits, `-`, `_` and dots.
public func Setting(
  _ name: String, _ value: String, of words: [String], help: String = "",
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> String {
  let chosen = Settings.choose(
    name, .word(value), .words(words), help, Site(file, line, column, name: "Setting"))
  if case .word(let word) = chosen { return word }
  return value
}

/// One of the cases of an enumeration that whoever compiles the model may choose, by its name.
///
///     enum Gate: String, CaseIterable { case softmax, sigmoid }
///     let gate = Setting("gate", Gate.softmax)
///
public func Setting<Choice: RawRepresentable<String> & CaseIterable>(
  _ name: String, _ value: Choice, help: String = "",
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Choice {
  let words = Choice.allCases.map(\.rawValue)
  let word = Setting(
    name, value.rawValue, of: words, help: help, file: file, line: line, column: column)
  return Choice(rawValue: word) ?? value
}

/// Yes or no, as whoever compiles the model may choose.
///
///     let hasBias = Setting("bias", false)    // --set bias=true
///
public func Setting(
  _ name: String, _ value: Bool, help: String = "",
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Bool {
  let words = ["false", "true"]
  let word = Setting(
    name, value ? "true" : "false", of: words, help: help, file: file, line: line, column: column)
  return word == "true"
}
