/// Text as parts of an HTML document, so that nobody's text can end the part that it is in.
public enum HTML {
  /// Plain text for an element's content or for an attribute in double quotes.
  ///
  /// Control characters that HTML does not allow become U+FFFD.
  public static func escaped(_ text: some StringProtocol) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default:
        let isControl = scalar.properties.generalCategory == .control
        result.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }

  /// An element with attributes in the order given; `content` is HTML.
  public static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String
  ) -> String {
    let list = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
    return "<\(name)\(list)>\(content)</\(name)>"
  }

  /// JSON in a script element that is never run. A `<` can only be in a string, where it is escaped.
  public static func json(_ text: String, id: String) -> String {
    var safe: [UInt8] = []
    safe.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if byte == UInt8(ascii: "<") { safe += "\\u003c".utf8 } else { safe.append(byte) }
    }
    let json = String(decoding: safe, as: UTF8.self)
    return "<script type=\"application/json\" id=\"\(escaped(id))\">\(json)</script>"
  }

  static func style(_ text: String) -> String { "<style>\n\(text)</style>" }

  static func script(_ text: String) -> String { "<script>\n\(text)</script>" }
}
