extension JSON {
  /// The value as text, two spaces for each level, the way serde's pretty printer sets it: what
  /// the `tokenizers` package saves and what this writes can be compared byte by byte.
  func written() -> [UInt8] {
    var text: [UInt8] = []
    write(to: &text, indent: 0)
    return text
  }

  private func write(to text: inout [UInt8], indent: Int) {
    switch self {
    case .object(let members):
      JSON.list(members, "{}", &text, indent) { member, text in
        JSON.quote(member.key, &text)
        text += [UInt8(ascii: ":"), 0x20]
        member.value.write(to: &text, indent: indent + 1)
      }
    case .array(let elements):
      JSON.list(elements, "[]", &text, indent) { $0.write(to: &$1, indent: indent + 1) }
    case .string(let bytes): JSON.quote(bytes, &text)
    case .number(let digits): text += digits
    case .bool(let bool): text += Array((bool ? "true" : "false").utf8)
    case .null: text += Array("null".utf8)
    }
  }

  private static func list<Element>(
    _ elements: [Element], _ brackets: String, _ text: inout [UInt8], _ indent: Int,
    write: (Element, inout [UInt8]) -> Void
  ) {
    let brackets = Array(brackets.utf8)
    text.append(brackets[0])
    for (index, element) in elements.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      newLine(&text, indent + 1)
      write(element, &text)
    }
    if !elements.isEmpty { newLine(&text, indent) }
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
