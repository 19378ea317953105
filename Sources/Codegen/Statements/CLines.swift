/// Lines of C of at most 110 columns.
enum CLines {
  /// A call or signature, broken between its arguments; long ones are broken too, where they can be.
  static func wrapped(
    _ opening: String, _ arguments: [CExpression], _ closing: String
  ) -> [String] {
    let indent = String(repeating: " ", count: opening.count)
    let pieces = arguments.map {
      $0.text.count + indent.count < 108 ? [$0.text] : $0.pieces
    }
    return lines(opening, pieces, closing, indent)
  }

  static func wrapped(_ opening: String, _ arguments: [String], _ closing: String) -> [String] {
    wrapped(opening, arguments.map { CExpression($0) }, closing)
  }

  private static func lines(
    _ opening: String, _ arguments: [[String]], _ closing: String, _ indent: String
  ) -> [String] {
    var lines: [String] = []
    var (line, isBegun) = (opening, false)
    for (index, pieces) in arguments.enumerated() {
      let ending = index == arguments.count - 1 ? closing : ","
      for (number, piece) in pieces.enumerated() {
        let text = piece + (number == pieces.count - 1 ? ending : "")
        if line.count + text.count + 1 > 110 && line != indent {
          lines.append(line)
          (line, isBegun) = (indent, false)
        }
        line += (isBegun ? " " : "") + text
        isBegun = true
      }
    }
    return lines + [arguments.isEmpty ? line + closing : line]
  }
}
