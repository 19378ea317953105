import JSON

/// A tokenizer as Hugging Face's `tokenizer.json` describes it: byte-pair merges over the bytes
/// or the characters of a text.
///
/// Encoding equals `Tokenizer.encode(text, add_special_tokens=False).ids` of the PyPI package
/// `tokenizers`, and decoding its `decode`. Bytes that are no UTF-8 are first replaced by U+FFFD
/// as Python's `bytes.decode(errors="replace")` does.
public struct BytePairTokenizer: Sendable {
  let model: BytePairModel
  let splitting: Splitting
  let normalizers: [Normalizer]
  /// Nil for a file without a decoder: the package then puts spaces between tokens.
  let decoders: [TokenDecoder]?
  /// Tokens that are found before anything is split.
  public let addedTokens: [AddedToken]
  /// Tokens that the file's post-processor puts before a text and behind it, such as one that begins it.
  /// `encode` leaves them out.
  public let start: [Int32]
  public let end: [Int32]
  /// The file's parts as they were, so that writing keeps what is not used.
  let file: JSON

  /// The text of each token, those that were added included; nil for numbers not in use.
  let contents: [[UInt8]?]
  /// What each token adds to a text.
  let texts: TokenTexts
  let specialTokens: Set<Int32>
  /// Tokens looked for in the text as it is, and in the normalized one.
  let matchers: (plain: AddedTokenMatcher, normalized: AddedTokenMatcher)
  /// The token of each byte, -1 for none; all of them unless splitting is by bytes.
  let byteTokens: [Int32]

  /// What becomes of a text before merging: it is cut into pieces, step by step.
  struct Splitting: Equatable, Sendable {
    var steps: [PieceStep] = []
    /// Pieces are bytes, not characters.
    var bytes: Bytes?

    /// `isSplit`: pieces as GPT-2's pattern finds them; `startsWithSpace`: a space is put before a piece
    /// that begins with none.
    struct Bytes: Equatable, Sendable {
      var isSplit: Bool
      var startsWithSpace: Bool
    }

    /// Characters, and the whole text is one piece.
    static let characters = Splitting()
  }

  /// How many tokens a model must know: the highest token and one.
  public var count: Int { contents.count }

  init(
    model: BytePairModel, splitting: Splitting, normalizers: [Normalizer] = [],
    decoders: [TokenDecoder]?, addedTokens: [AddedToken],
    template: (start: [Int32], end: [Int32]) = ([], []), file: JSON
  ) {
    (start, end) = template
    self.model = model
    self.splitting = splitting
    self.normalizers = normalizers
    self.decoders = decoders
    self.addedTokens = addedTokens
    self.file = file
    contents = BytePairTokenizer.contents(model, addedTokens, normalizers)
    texts = TokenTexts(contents, decoders ?? [])
    // As in the package, a token whose normalized text is another one is no longer special.
    let special = Set(addedTokens.filter(\.isSpecial).map(\.content))
    let names = contents
    specialTokens = Set(
      addedTokens.map(\.id).filter { id in names[Int(id)].map(special.contains) ?? false })
    let plain = addedTokens.filter { !$0.isNormalized }.map { ($0.content, $0) }
    let normalized = addedTokens.filter(\.isNormalized)
      .map { (normalizers.normalize($0.content), $0) }
    matchers = (AddedTokenMatcher(plain), AddedTokenMatcher(normalized))
    byteTokens = ByteCharacters.characters.map { character in
      splitting.bytes == nil ? -1 : model.token(of: character) ?? -1
    }
  }

  private static func contents(
    _ model: BytePairModel, _ addedTokens: [AddedToken], _ normalizers: [Normalizer]
  ) -> [[UInt8]?] {
    var contents = model.contents
    for token in addedTokens {
      while contents.count <= Int(token.id) { contents.append(nil) }
      let content = token.content
      contents[Int(token.id)] = token.isNormalized ? normalizers.normalize(content) : content
    }
    return contents
  }

  /// Whether every character of a text that has a token is counted once in `characterCounts`: so
  /// unless a normalizer, an added space or a token for several unknown characters is at work.
  public var keepsCharacters: Bool {
    let changes = splitting.steps.contains { step in
      switch step {
      case .metaspace: true
      case .split(_, let behavior, _): behavior == .removed
      }
    }
    let addsSpace = splitting.bytes?.startsWithSpace ?? false
    return normalizers.isEmpty && !changes && !addsSpace && !model.options.fusesUnknown
      && !addedTokens.contains { $0.stripsLeft || $0.stripsRight }
  }

  /// The number of a token's text as the vocabulary has it; nil if there is none.
  public func token(named name: String) -> Int32? {
    let content = Array(name.utf8)
    return addedTokens.first { $0.content == content }?.id ?? model.ids[content]
  }
}

extension BytePairTokenizer: Equatable {
  /// Two tokenizers are equal if their files are.
  public static func == (one: BytePairTokenizer, other: BytePairTokenizer) -> Bool {
    one.json == other.json
  }
}
