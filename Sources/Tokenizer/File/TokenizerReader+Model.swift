import JSON

extension TokenizerReader {
  /// The model's part of the file.
  func model() throws(TokenizerError) -> BytePairModel {
    guard file.members != nil else { throw malformed("the file", "is \(file.kind), not an object") }
    guard let part = file["model"] else { throw malformed("model", "is missing") }
    guard part.members != nil else { throw malformed("model", "is \(part.kind), not an object") }
    try checkType(part)
    let contents = try vocabulary(part)
    var ids: [[UInt8]: Int32] = [:]
    for (id, content) in contents.enumerated() {
      if let content { ids[content] = Int32(id) }
    }
    let merges = try merges(part, ids)
    return BytePairModel(contents: contents, merges: merges, options: try options(part, ids))
  }

  /// Old files name no type; vocabulary and merges together are BPE.
  private func checkType(_ part: JSON) throws(TokenizerError) {
    if let type = part["type"], type.name != "BPE" {
      throw unsupported("model", type.name ?? type.kind)
    }
    if part["type"] == nil, part["merges"] == nil {
      throw malformed("model", "has no type and no merges")
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = part[name]?.name, !text.isEmpty {
        throw unsupported("model", "BPE with \(name) \"\(text)\"")
      }
    }
    if case .number(let rate)? = part["dropout"],
      Double(String(decoding: rate, as: UTF8.self)) != 0
    {
      let rate = String(decoding: rate, as: UTF8.self)
      throw unsupported("model", "BPE with dropout \(rate), which encodes by chance")
    }
  }

  private func options(
    _ part: JSON, _ ids: [[UInt8]: Int32]
  ) throws(TokenizerError) -> BytePairModel.Options {
    var options = BytePairModel.Options()
    options.unknown = part["unk_token"]?.string
    options.fusesUnknown = try flag(part, "fuse_unk", in: "model")
    options.fallsBackToBytes = try flag(part, "byte_fallback", in: "model")
    options.ignoresMerges = try flag(part, "ignore_merges", in: "model")
    if let unknown = options.unknown, ids[unknown] == nil {
      let name = String(decoding: unknown, as: UTF8.self)
      throw malformed("model.unk_token", "\"\(name)\" is not in the vocabulary")
    }
    return options
  }

  private func vocabulary(_ part: JSON) throws(TokenizerError) -> [[UInt8]?] {
    guard let members = part["vocab"]?.members else {
      throw malformed("model.vocab", "is missing or no object")
    }
    guard !members.isEmpty else { throw malformed("model.vocab", "is empty") }
    var contents: [[UInt8]?] = []
    var names = Set<[UInt8]>()
    for member in members {
      let name = String(decoding: member.key, as: UTF8.self)
      guard let id = member.value.whole else {
        throw malformed("model.vocab", "gives \"\(name)\" \(member.value.kind), not a number")
      }
      try checkID(id, of: name, "model.vocab")
      if !names.insert(member.key).inserted {
        throw malformed("model.vocab", "has \"\(name)\" twice")
      }
      while contents.count <= id { contents.append(nil) }
      if let other = contents[id] {
        let other = String(decoding: other, as: UTF8.self)
        throw malformed("model.vocab", "gives \"\(other)\" and \"\(name)\" the number \(id)")
      }
      contents[id] = member.key
    }
    return contents
  }

  // MARK: - Merges

  private func merges(
    _ part: JSON, _ ids: [[UInt8]: Int32]
  ) throws(TokenizerError) -> [BytePairModel.Merge] {
    guard let elements = part["merges"]?.elements else {
      throw malformed("model.merges", "is missing or no list")
    }
    // A first line of old files says which version of the format it is.
    let lines = elements.filter { !($0.string?.starts(with: "#version".utf8) ?? false) }
    var merges: [BytePairModel.Merge] = []
    merges.reserveCapacity(lines.count)
    for (index, element) in lines.enumerated() {
      let (first, second) = try pair(element, line: index + 1)
      func id(_ token: [UInt8]) throws(TokenizerError) -> Int32 {
        if let id = ids[token] { return id }
        let name = String(decoding: token, as: UTF8.self)
        throw .unknownMergeToken(path: path, line: index + 1, token: name)
      }
      merges.append(
        .init(first: try id(first), second: try id(second), result: try id(first + second)))
    }
    return merges
  }

  /// Two tokens, written `"a b"` or `["a", "b"]`.
  private func pair(
    _ element: JSON, line: Int
  ) throws(TokenizerError) -> (first: [UInt8], second: [UInt8]) {
    if let text = element.string {
      let parts = text.split(separator: 0x20, omittingEmptySubsequences: false)
      if parts.count == 2 { return (Array(parts[0]), Array(parts[1])) }
    }
    if let parts = element.elements, parts.count == 2, let first = parts[0].string,
      let second = parts[1].string
    {
      return (first, second)
    }
    throw malformed("model.merges", "has no pair of tokens in line \(line)")
  }
}
