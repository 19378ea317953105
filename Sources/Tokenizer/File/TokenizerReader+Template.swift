import JSON

// MARK: - Around a text

extension TokenizerReader {
  /// The tokens that a post-processor puts before a single text and behind it. What it does to pairs of texts
  /// does not matter here.
  func template(
    _ part: JSON?
  ) throws(TokenizerError) -> (start: [Int32], end: [Int32]) {
    guard let part else { return ([], []) }
    switch try type(of: part, "post_processor") {
    case "Sequence":
      var all: (start: [Int32], end: [Int32]) = ([], [])
      for step in part["processors"]?.elements ?? [] {
        let (start, end) = try template(step)
        all = (start + all.start, all.end + end)
      }
      return all
    case "TemplateProcessing": return try single(part)
    case "BertProcessing", "RobertaProcessing":
      return ([try named(part["cls"])], [try named(part["sep"])])
    // ByteLevel changes offsets alone; what else there is has no part in texts without special tokens.
    case _: return ([], [])
    }
  }

  private func single(
    _ part: JSON
  ) throws(TokenizerError) -> (start: [Int32], end: [Int32]) {
    var (start, end): ([Int32], [Int32]) = ([], [])
    var isBehind = false
    for piece in part["single"]?.elements ?? [] {
      if piece["Sequence"] != nil {
        if isBehind { throw malformed("post_processor.single", "has the text twice") }
        isBehind = true
        continue
      }
      guard let name = piece["SpecialToken"]?["id"]?.name,
        let ids = part["special_tokens"]?[name]?["ids"]?.elements
      else { throw malformed("post_processor.single", "has a piece that is no token") }
      for id in ids {
        guard let id = id.whole else {
          throw malformed("post_processor.special_tokens", "has an id that is no number")
        }
        try checkID(id, of: name, "post_processor.special_tokens")
        if isBehind { end.append(Int32(id)) } else { start.append(Int32(id)) }
      }
    }
    return (start, end)
  }

  private func named(_ pair: JSON?) throws(TokenizerError) -> Int32 {
    guard let elements = pair?.elements, elements.count == 2, let id = elements[1].whole else {
      throw malformed("post_processor", "has a token without a number")
    }
    try checkID(id, of: elements[0].name ?? "", "post_processor")
    return Int32(id)
  }
}
