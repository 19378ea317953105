/// A name in which `{l}` stands for a number: `blocks.{l}.sa.heads.{h}.query.weight`.
struct NamePattern: Equatable, Sendable, CustomStringConvertible {
  enum Piece: Equatable, Sendable {
    case text(String)
    case number(variable: String)
  }

  let pieces: [Piece]
  let description: String

  /// Nil if a brace has no partner or nothing in it.
  init?(_ text: String) {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else { return nil }
      let variable = String(rest[rest.index(after: open)..<close])
      guard !variable.isEmpty, variable.allSatisfy({ $0.isLetter || $0.isNumber }) else {
        return nil
      }
      if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
      pieces.append(.number(variable: variable))
      rest = rest[rest.index(after: close)...]
    }
    guard !rest.contains("}") else { return nil }
    if !rest.isEmpty { pieces.append(.text(String(rest))) }
    self.pieces = pieces
    description = text
  }

  var variables: Set<String> {
    Set(pieces.compactMap { if case .number(let variable) = $0 { variable } else { nil } })
  }

  /// The numbers in a name of this form; nil for any other name.
  func numbers(in name: String) -> [String: Int]? {
    var rest = name.utf8[...]
    var numbers: [String: Int] = [:]
    for piece in pieces {
      switch piece {
      case .text(let text):
        guard rest.starts(with: text.utf8) else { return nil }
        rest = rest.dropFirst(text.utf8.count)
      case .number(let variable):
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int(String(decoding: digits, as: UTF8.self)),
          "\(number)".utf8.count == digits.count, numbers[variable] ?? number == number
        else { return nil }
        numbers[variable] = number
        rest = rest.dropFirst(digits.count)
      }
    }
    return rest.isEmpty ? numbers : nil
  }

  /// The name with these numbers.
  func name(_ numbers: [String: Int]) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): return text
      case .number(let variable): return numbers[variable].map(String.init) ?? "{\(variable)}"
      }
    }.joined()
  }

  /// Names may be so many bytes long, and one text may mean so many.
  static let most = (bytes: 1024, alternatives: 4096)

  /// Every text that `{a,b}` in it may mean, the last group varying fastest. A variable is no
  /// group. Nil for a text that is too long or means too many.
  static func alternatives(_ text: String) -> [String]? {
    guard text.utf8.count <= most.bytes else { return nil }
    var texts = [""]
    var rest = text[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      let inner = rest[rest.index(after: open)..<close]
      let choices =
        inner.contains(",")
        ? inner.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        : ["{\(inner)}"]
      guard texts.count * choices.count <= most.alternatives else { return nil }
      let start = rest[..<open]
      texts = texts.flatMap { text in choices.map { text + start + $0 } }
      rest = rest[rest.index(after: close)...]
    }
    return texts.map { $0 + rest }
  }
}
