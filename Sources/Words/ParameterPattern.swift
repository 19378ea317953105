/// Names of parameters in which `*` stands for any characters: `token*`, `block.*.attention`, `*.bias`.
///
/// A pattern that fits a scope fits all that is in it: `block.0` means `block.0.attention.query.weight` too.
public struct ParameterPattern: Hashable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }

  /// The patterns of a list with commas between them, as options take it; empty ones stay.
  public static func list(_ text: String) -> [ParameterPattern] {
    text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let start = part.drop { $0 == " " }
      let end = start.reversed().drop { $0 == " " }
      return ParameterPattern(String(end.reversed()))
    }
  }

  /// Whether it is the name of a parameter, or of a scope around it.
  public func fits(_ name: String) -> Bool {
    if Self.matches(name[...], text) { return true }
    return name.indices.contains { name[$0] == "." && Self.matches(name[..<$0], text) }
  }

  /// Whether `text` is `pattern`, in which each `*` stands for any characters.
  private static func matches(_ text: Substring, _ pattern: String) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return text == pattern }
    let (first, last) = (parts[0], parts[parts.count - 1])
    guard text.hasPrefix(first), text.hasSuffix(last), text.count >= first.count + last.count
    else { return false }
    var rest = text.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}

/// Names on one line for whoever looks for one: numbers are `*`, each form once, of many the first.
public func nameForms(_ names: [String], atMost most: Int = 24) -> String {
  var seen: Set<String> = []
  let forms = names.map { name in
    name.split(separator: ".", omittingEmptySubsequences: false)
      .map { Int($0) == nil ? String($0) : "*" }.joined(separator: ".")
  }.filter { seen.insert($0).inserted }
  let more = forms.count > most ? " and \((forms.count - most).grouped) more" : ""
  return forms.prefix(most).joined(separator: ", ") + more
}
