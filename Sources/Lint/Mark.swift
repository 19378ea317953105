import GraphIR

/// `// moec:intended RULE, RULE: why` in a model's source.
struct Mark: Hashable, Sendable {
  /// The helper file that it stands in; nil: the model's own.
  var helper: ModelSource.File? = nil

  /// Where the comment begins.
  var line: Int
  var column: Int

  /// What stands where the rules' names should, known or not.
  var names: [String]

  /// The lines for which it holds: its own and the next one with code.
  var lines: Set<Int>

  /// The rules that it silenced somewhere.
  var used: Set<String> = []

  /// Every mark of a source, in order.
  static func all(in source: String, of helper: ModelSource.File? = nil) -> [Mark] {
    let comments = SourceComments(source)
    return comments.found.compactMap { comment in
      guard let names = names(in: comment.text) else { return nil }
      let next = comments.linesWithCode.first { $0 > comment.line }
      return Mark(
        helper: helper, line: comment.line, column: comment.column, names: names,
        lines: Set([comment.line] + (next.map { [$0] } ?? [])))
    }
  }

  /// The names after `moec:intended`; nil for any other comment.
  private static func names(in comment: String) -> [String]? {
    let keyword = "moec:intended"
    let text = comment.drop { $0 == "/" || $0 == " " || $0 == "\t" }
    guard text.hasPrefix(keyword) else { return nil }
    var rest = text.dropFirst(keyword.count)
    if let next = rest.first, !next.isWhitespace, !next.isPunctuation { return nil }
    var names: [String] = []
    repeat {
      rest = rest.drop { $0 == "," || $0 == " " || $0 == "\t" }
      let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
      rest = rest.dropFirst(name.count)
      // A dash that stands alone begins the reason.
      if name.contains(where: \.isLetter) { names.append(String(name)) }
      rest = rest.drop { $0 == " " || $0 == "\t" }
    } while rest.first == ","
    return names
  }
}
