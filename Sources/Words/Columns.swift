extension String {
  /// With spaces up to a width; at least one follows a text that is as long or longer.
  public func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(1, width - count))
  }
}

/// A table for a terminal.
public enum Columns {
  /// Lines whose columns are as wide as their widest cell and two spaces apart, without spaces at
  /// their ends. Rows may have fewer cells than others.
  ///
  /// - Parameter isLeading: whether a column stands to the left; the others stand to the right.
  public static func lines(
    _ rows: [[String]], isLeading: (Int) -> Bool = { $0 == 0 }
  ) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return isLeading(column) ? row[column] + space : space + row[column]
      }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }

  /// The lines as one text.
  public static func text(
    _ rows: [[String]], isLeading: (Int) -> Bool = { $0 == 0 }
  ) -> String {
    lines(rows, isLeading: isLeading).joined(separator: "\n")
  }
}
