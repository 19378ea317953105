import Foundation
import SystemFiles

/// Text that is no wider than where it is shown.
enum Wrapping {
  /// A line cut at spaces. Words that are too long stay whole.
  static func lines(of line: some StringProtocol, columns: Int, indent: String = "") -> [String] {
    var lines: [String] = []
    var current = ""
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    for (index, word) in words.enumerated() {
      let isFirst = index == 0
      if !isFirst, current.count + 1 + word.count > columns, current.contains(where: { $0 != " " })
      {
        lines.append(current)
        current = indent + word
      } else {
        current += (isFirst ? "" : " ") + word
      }
    }
    return lines + [current]
  }

  /// Rows of a table, those that are too wide cut between two columns and going on further right.
  static func table(_ text: String, columns: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { row in
      guard row.count > columns else { return String(row) }
      let indent = String(row.prefix { $0 == " " }) + "    "
      var lines = [""]
      for cell in cells(of: row) {
        let last = lines[lines.count - 1]
        if last.count + cell.count <= columns {
          lines[lines.count - 1] += cell
        } else {
          let rest = last.isEmpty ? cell : indent + cell.drop { $0 == " " }
          lines += Self.lines(of: rest, columns: columns, indent: indent)
        }
      }
      return lines.drop { $0.isEmpty }.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// What stands in a row's columns, each with the space before it. Columns are two spaces apart.
  private static func cells(of row: Substring) -> [String] {
    row.matches(of: #/ *[^ ]+(?: [^ ]+)*/#).map { String($0.output) }
  }

  /// A text whose lines are cut, and go on below where they began and a bit to the right.
  static func text(_ text: String, columns: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard line.count > columns else { return String(line) }
      let indent = String(line.prefix { $0 == " " }) + "  "
      return lines(of: line, columns: columns, indent: indent).joined(separator: "\n")
    }.joined(separator: "\n")
  }
}
