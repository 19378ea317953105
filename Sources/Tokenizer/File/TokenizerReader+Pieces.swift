import JSON

// MARK: - Before the model

extension TokenizerReader {
  /// What becomes of a text before merging.
  func splitting(_ part: JSON?) throws(TokenizerError) -> BytePairTokenizer.Splitting {
    var splitting = BytePairTokenizer.Splitting()
    if let part { try add(part, to: &splitting) }
    return splitting
  }

  private func add(
    _ part: JSON, to splitting: inout BytePairTokenizer.Splitting
  ) throws(TokenizerError) {
    let type = try type(of: part, "pre_tokenizer")
    if splitting.bytes != nil {
      throw unsupported("pre_tokenizer", "\(type) behind ByteLevel")
    }
    switch type {
    case "ByteLevel":
      let isSplit =
        part["use_regex"] == nil ? true : try flag(part, "use_regex", in: "pre_tokenizer")
      splitting.bytes = .init(
        isSplit: isSplit,
        startsWithSpace: try flag(part, "add_prefix_space", in: "pre_tokenizer"))
    case "Sequence":
      for step in part["pretokenizers"]?.elements ?? [] { try add(step, to: &splitting) }
    case "Split": splitting.steps.append(try split(part))
    case "Digits":
      let isEach = try flag(part, "individual_digits", in: "pre_tokenizer")
      splitting.steps.append(
        .split(.one(.digits), isEach ? .isolated : .contiguous, inverts: false))
    case "Whitespace":
      let words = try expression(#"\w+|[^\w\s]+"#)
      splitting.steps.append(.split(.expression(words), .removed, inverts: true))
    case "WhitespaceSplit":
      let spaces = CharacterClass([.kind(UnicodeClasses.space)])
      splitting.steps.append(.split(.one(spaces), .removed, inverts: false))
    case "Punctuation":
      splitting.steps.append(
        .split(.one(.punctuation), try behavior(part) ?? .isolated, inverts: false))
    case "Metaspace": splitting.steps.append(try metaspace(part))
    case let other: throw unsupported("pre_tokenizer", other)
    }
    if splitting.steps.count > TextGrowth.mostSteps {
      throw malformed("pre_tokenizer", "has more than \(TextGrowth.mostSteps) steps")
    }
  }

  private func split(_ part: JSON) throws(TokenizerError) -> PieceStep {
    guard let behavior = try behavior(part) else {
      throw malformed("pre_tokenizer.behavior", "is missing")
    }
    let inverts = try flag(part, "invert", in: "pre_tokenizer")
    if let pattern = part["pattern"]?["String"]?.string, !pattern.isEmpty {
      return .split(.text(pattern), behavior, inverts: inverts)
    }
    guard let pattern = part["pattern"]?["Regex"]?.name else {
      throw malformed("pre_tokenizer", "of type Split has no pattern")
    }
    return .split(.expression(try expression(pattern)), behavior, inverts: inverts)
  }

  func expression(_ pattern: String) throws(TokenizerError) -> PieceExpression {
    do throws(PieceExpression.Failure) {
      return try PieceExpression(pattern)
    } catch {
      throw unsupported("pre_tokenizer", "a pattern that moec does not read, as \(error.reason)")
    }
  }

  private func behavior(_ part: JSON) throws(TokenizerError) -> PieceStep.Behavior? {
    guard let value = part["behavior"] else { return nil }
    guard let behavior = value.name.flatMap(PieceStep.Behavior.init) else {
      throw malformed("pre_tokenizer.behavior", "is \(value.name ?? value.kind)")
    }
    return behavior
  }

  private func metaspace(_ part: JSON) throws(TokenizerError) -> PieceStep {
    let splits = part["split"] == nil ? true : try flag(part, "split", in: "pre_tokenizer")
    return .metaspace(
      try mark(part, "pre_tokenizer"), prepends: try prepending(part, "pre_tokenizer"),
      splits: splits)
  }

  /// The character that stands for a space.
  func mark(_ part: JSON, _ name: String) throws(TokenizerError) -> Unicode.Scalar {
    let scalars = (part["replacement"]?.name ?? "\u{2581}").unicodeScalars
    guard scalars.count == 1, let mark = scalars.first else {
      throw malformed("\(name).replacement", "is no single character")
    }
    return mark
  }

  /// Older files say `add_prefix_space` alone.
  func prepending(_ part: JSON, _ name: String) throws(TokenizerError) -> PieceStep.Prepending {
    if let scheme = part["prepend_scheme"] {
      guard let known = scheme.name.flatMap(PieceStep.Prepending.init) else {
        throw malformed("\(name).prepend_scheme", "is \(scheme.name ?? scheme.kind)")
      }
      return known
    }
    let adds = part["add_prefix_space"] == nil ? true : try flag(part, "add_prefix_space", in: name)
    return adds ? .always : .never
  }
}
