extension Graph {
  /// The graph with other sizes of the axes that are named; the others stay.
  ///
  /// - Throws: a `Diagnostic` if the model's own arithmetic of axes does not allow them.
  public func resized(_ sizes: [String: Int]) throws(Diagnostic) -> Graph {
    // The text form names each axis once.
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[0] == "axis", let size = sizes[String(words[1])] else {
        return String(line)
      }
      return "axis \(words[1]) \(size)"
    }
    return try Graph(parsing: lines.joined(separator: "\n"))
  }
}
