extension JSON {
  /// The value on one line, without spaces.
  public var line: String {
    var text: [UInt8] = []
    write(to: &text, indent: nil)
    return String(decoding: text, as: UTF8.self)
  }

  /// The value with two spaces for each level, the way serde's pretty printer sets it: what the
  /// `tokenizers` package saves and what this writes can be compared byte by byte.
  public var indented: [UInt8] {
    var text: [UInt8] = []
    write(to: &text, indent: 0)
    return text
  }

  /// A text as a string in quotes; with what shows nothing of itself, or turns round what follows,
  /// escaped too if it is to be seen on a terminal.
  public static func quoted(_ text: String, isForTerminal: Bool = false) -> String {
    var quoted: [UInt8] = []
    quote(Array(text.utf8), &quoted)
    guard isForTerminal else { return String(decoding: quoted, as: UTF8.self) }
    var shown = ""
    for scalar in String(decoding: quoted, as: UTF8.self).unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: shown += unseen(scalar)
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  /// Four digits for each of the character's UTF-16 units.
  private static func unseen(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }

  private func write(to text: inout [UInt8], indent: Int?) {
    let inner = indent.map { $0 + 1 }
    switch self {
    case .object(let members):
      JSON.list(members, "{}", &text, indent) { member, text in
        JSON.quote(member.key, &text)
        text.append(UInt8(ascii: ":"))
        if indent != nil { text.append(0x20) }
        member.value.write(to: &text, indent: inner)
      }
    case .array(let elements):
      JSON.list(elements, "[]", &text, indent) { $0.write(to: &$1, indent: inner) }
    case .string(let bytes): JSON.quote(bytes, &text)
    case .number(let digits): text += digits
    case .bool(let bool): text += Array((bool ? "true" : "false").utf8)
    case .null: text += Array("null".utf8)
    }
  }

  private static func list<Element>(
    _ elements: [Element], _ brackets: String, _ text: inout [UInt8], _ indent: Int?,
    write: (Element, inout [UInt8]) -> Void
  ) {
    let brackets = Array(brackets.utf8)
    text.append(brackets[0])
    for (index, element) in elements.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      if let indent { newLine(&text, indent + 1) }
      write(element, &text)
    }
    if let indent, !elements.isEmpty { newLine(&text, indent) }
    text.append(brackets[1])
  }

  private static func newLine(_ text: inout [UInt8], _ indent: Int) {
    text.append(UInt8(ascii: "\n"))
    text.append(contentsOf: repeatElement(0x20, count: 2 * indent))
  }

  private static func quote(_ bytes: [UInt8], _ text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case 0x8: text += Array("\\b".utf8)
      case 0x9: text += Array("\\t".utf8)
      case 0xa: text += Array("\\n".utf8)
      case 0xc: text += Array("\\f".utf8)
      case 0xd: text += Array("\\r".utf8)
      case 0..<0x20: text += Array((byte < 0x10 ? "\\u000" : "\\u00").utf8) + hexadecimal(byte)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  private static func hexadecimal(_ byte: UInt8) -> [UInt8] { Array(String(byte, radix: 16).utf8) }
}
