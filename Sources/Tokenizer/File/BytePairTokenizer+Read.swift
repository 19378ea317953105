import Foundation
import JSON
import SystemFiles

extension BytePairTokenizer {
  /// Reads a `tokenizer.json`. Errors: unreadable, no JSON, not as it must be, or in need of
  /// something that this does not have, named.
  public init(path: String) throws(TokenizerError) {
    var status = stat()
    if stat(path, &status) == 0, ![S_IFREG, S_IFIFO].contains(status.st_mode & S_IFMT) {
      throw .unreadable(path: path, reason: "it is no file, or an empty one")
    }
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    guard let data = try? file.readToEnd() else {
      throw .unreadable(path: path, reason: "it is no file, or an empty one")
    }
    try self.init(json: Array(data), path: path)
  }

  /// The same from bytes at hand; `path` is used in errors. A byte-order mark is passed over.
  public init(json: [UInt8], path: String) throws(TokenizerError) {
    if let offset = MarkRuns.excessive(in: json) {
      throw .notJSON(path: path, offset: offset, reason: "a character has too many marks")
    }
    let file: JSON
    do throws(JSON.Failure) {
      file = try JSON.parse(json)
    } catch {
      let isUTF16 = json.starts(with: [0xff, 0xfe]) || json.starts(with: [0xfe, 0xff])
      let reason = isUTF16 ? "it is UTF-16, not UTF-8" : error.reason
      throw .notJSON(path: path, offset: error.offset, reason: reason)
    }
    self = try TokenizerReader(file: file, path: path, size: json.count).tokenizer()
  }
}

/// Makes a tokenizer of a parsed file.
struct TokenizerReader {
  let file: JSON
  let path: String
  /// Bytes of the file.
  let size: Int

  func tokenizer() throws(TokenizerError) -> BytePairTokenizer {
    let model = try model()
    let normalizers = try normalizers(file["normalizer"])
    try checkSteps(normalizers.count, normalizers.growth, "normalizer")
    let decoders = try decoders(file["decoder"])
    try checkSteps(decoders?.count ?? 0, decoders?.growth ?? 1, "decoder")
    return BytePairTokenizer(
      model: model, splitting: try splitting(file["pre_tokenizer"]), normalizers: normalizers,
      decoders: decoders, addedTokens: try addedTokens(model, normalizers),
      template: try template(file["post_processor"]), file: file)
  }

  /// A few replacements of one byte by a hundred would fill any memory.
  private func checkSteps(
    _ count: Int, _ growth: Double, _ part: String
  ) throws(TokenizerError) {
    if count > TextGrowth.mostSteps {
      throw malformed(part, "has \(count) steps, more than \(TextGrowth.mostSteps)")
    }
    if growth > TextGrowth.most {
      throw malformed(part, "can make a text more than \(Int(TextGrowth.most)) times as long")
    }
  }

  /// A mistake in one part.
  func malformed(_ part: String, _ reason: String) -> TokenizerError {
    .malformed(path: path, part: part, reason: reason)
  }

  func unsupported(_ part: String, _ type: String) -> TokenizerError {
    .unsupported(path: path, part: part, type: type)
  }

  /// A switch, off where the file does not say.
  func flag(_ value: JSON, _ name: String, in part: String) throws(TokenizerError) -> Bool {
    guard let found = value[name] else { return false }
    guard let flag = found.bool else {
      throw malformed("\(part).\(name)", "is \(found.kind), not true or false")
    }
    return flag
  }

  func type(of part: JSON, _ name: String) throws(TokenizerError) -> String {
    guard part.members != nil else { throw malformed(name, "is \(part.kind), not an object") }
    guard let type = part["type"]?.name else { throw malformed(name, "has no type") }
    return type
  }

  // MARK: - Before and after the model

  private func normalizers(_ part: JSON?) throws(TokenizerError) -> [Normalizer] {
    guard let part else { return [] }
    switch try type(of: part, "normalizer") {
    case "Sequence":
      var steps: [Normalizer] = []
      for step in part["normalizers"]?.elements ?? [] { steps += try normalizers(step) }
      return steps
    case "Prepend":
      guard let text = part["prepend"]?.string else {
        throw malformed("normalizer.prepend", "is no string")
      }
      return [.prepend(text)]
    case "Replace":
      let (pattern, content) = try replacement(part, "normalizer")
      return [.replace(pattern, with: content)]
    case "Lowercase": return [.lowercase]
    case "StripAccents": return [.stripMarks]
    case "Strip":
      return [
        .strip(
          left: try flag(part, "strip_left", in: "normalizer"),
          right: try flag(part, "strip_right", in: "normalizer"))
      ]
    case let other:
      guard let form = Normalizer.Form(rawValue: other) else {
        throw unsupported("normalizer", other)
      }
      return [.form(form)]
    }
  }

  func replacement(
    _ part: JSON, _ name: String
  ) throws(TokenizerError) -> (pattern: [UInt8], content: [UInt8]) {
    if let pattern = part["pattern"], pattern["Regex"] != nil {
      throw unsupported(name, "Replace with a regular expression")
    }
    guard let pattern = part["pattern"]?["String"]?.string, let content = part["content"]?.string
    else { throw malformed(name, "of type Replace has no pattern or no content") }
    return (pattern, content)
  }

  private func decoders(_ part: JSON?) throws(TokenizerError) -> [TokenDecoder]? {
    guard let part else { return nil }
    switch try type(of: part, "decoder") {
    case "Sequence":
      var steps: [TokenDecoder] = []
      for step in part["decoders"]?.elements ?? [] { steps += try decoders(step) ?? [] }
      return steps
    case "ByteLevel": return [.byteLevel]
    case "ByteFallback": return [.byteFallback]
    case "Fuse": return [.fuse]
    case "Strip": return [try strip(part)]
    case "Metaspace":
      let strips = try prepending(part, "decoder") != .never
      return [.metaspace(try mark(part, "decoder"), strips: strips)]
    case "Replace":
      let (pattern, content) = try replacement(part, "decoder")
      return [.replace(pattern, with: content)]
    case let other: throw unsupported("decoder", other)
    }
  }

  private func strip(_ part: JSON) throws(TokenizerError) -> TokenDecoder {
    let scalars = part["content"]?.name.map { Array($0.unicodeScalars) } ?? []
    guard scalars.count == 1, let start = part["start"]?.whole, let stop = part["stop"]?.whole,
      start >= 0, stop >= 0
    else { throw malformed("decoder", "of type Strip needs a character, a start and a stop") }
    return .strip(scalars[0], start: start, stop: stop)
  }

  // MARK: - Added tokens

  private func addedTokens(
    _ model: BytePairModel, _ normalizers: [Normalizer]
  ) throws(TokenizerError) -> [AddedToken] {
    guard let part = file["added_tokens"] else { return [] }
    guard let elements = part.elements else {
      throw malformed("added_tokens", "is \(part.kind), not a list")
    }
    var tokens: [AddedToken] = []
    for (index, element) in elements.enumerated() {
      let part = "added_tokens[\(index)]"
      let token = try addedToken(element, part, model)
      let longest = AddedTokenMatcher.longest
      guard token.content.count <= longest, normalizers.normalize(token.content).count <= longest
      else { throw malformed(part, "is longer than \(longest) bytes") }
      tokens.append(token)
    }
    return tokens
  }

  private func addedToken(
    _ element: JSON, _ part: String, _ model: BytePairModel
  ) throws(TokenizerError) -> AddedToken {
    guard let content = element["content"]?.string, let id = element["id"]?.whole else {
      throw malformed(part, "has no content or no id")
    }
    let name = String(decoding: content, as: UTF8.self)
    try checkID(id, of: name, part)
    if let known = model.ids[content], Int(known) != id {
      throw malformed(part, "gives \"\(name)\" the number \(id), the vocabulary \(known)")
    }
    if id < model.contents.count, let other = model.contents[id], other != content {
      let taken = String(decoding: other, as: UTF8.self)
      throw malformed(part, "gives \"\(name)\" the number \(id), which is that of \"\(taken)\"")
    }
    var token = AddedToken(id: Int32(id), content: name)
    token.content = content
    token.isSingleWord = try flag(element, "single_word", in: part)
    token.stripsLeft = try flag(element, "lstrip", in: part)
    token.stripsRight = try flag(element, "rstrip", in: part)
    token.isNormalized = try flag(element, "normalized", in: part)
    token.isSpecial = try flag(element, "special", in: part)
    return token
  }

  /// Numbers are places in arrays: one of billions is a mistake, not a vocabulary, and a small
  /// file has no reason for one of millions.
  func checkID(_ id: Int, of token: String, _ part: String) throws(TokenizerError) {
    let limit = min(1 << 24, 1 << 20 + size)
    if id < 0 || id >= limit {
      throw malformed(part, "gives \"\(token)\" the number \(id), not one below \(limit)")
    }
  }
}
