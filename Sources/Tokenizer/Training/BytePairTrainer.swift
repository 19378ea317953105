import JSON

/// Learns a byte-level vocabulary: all bytes, then again and again the pair of tokens that comes
/// most often.
///
/// The merges are those of the `tokenizers` package's `BpeTrainer` given
/// `initial_alphabet=ByteLevel.alphabet()` and the same texts: of pairs that come equally often
/// the one whose first token has the lower number goes first, then whose second has.
public struct BytePairTrainer {
  /// Tokens in all, special ones and the 256 bytes included.
  public var vocabulary: Int
  /// Pairs that come less often are not merged.
  public var minimumCount = 0
  /// Tokens that are no text, such as `<|endoftext|>`; they get the first numbers.
  public var specialTokens: [String] = []

  public init(vocabulary: Int) { self.vocabulary = vocabulary }

  /// Trains on counted pieces. Fewer tokens come out where there is nothing left to merge.
  ///
  /// Errors: a vocabulary too small for bytes and special tokens.
  public func train(on pieces: PieceCounts) throws(TokenizerError) -> BytePairTokenizer {
    var contents: [[UInt8]] = []
    var known = Set<[UInt8]>()
    let bytes = ByteCharacters.sorted.map { Array(String($0).utf8) }
    for content in specialTokens.map({ Array($0.utf8) }) + bytes
    where known.insert(content).inserted {
      contents.append(content)
    }
    guard vocabulary >= contents.count else {
      throw .tooSmall(asked: vocabulary, needed: contents.count)
    }
    var state = MergeLearner(contents: contents, pieces: pieces)
    state.learn(upTo: vocabulary, minimumCount: minimumCount)
    return tokenizer(BytePairModel(contents: state.contents, merges: state.merges))
  }

  private func tokenizer(_ model: BytePairModel) -> BytePairTokenizer {
    var added: [AddedToken] = []
    for token in specialTokens where !token.isEmpty {
      guard let id = model.ids[Array(token.utf8)], !added.contains(where: { $0.id == id }) else {
        continue
      }
      added.append(AddedToken(id: id, content: token))
    }
    // The same tokenizer whose file the package writes; reading it back gives this one.
    let file: JSON = .members([
      "version": .text("1.0"),
      "pre_tokenizer": BytePairTrainer.byteLevel(addsPrefixSpace: false),
      "decoder": BytePairTrainer.byteLevel(addsPrefixSpace: true),
    ])
    return BytePairTokenizer(
      model: model, splitting: .init(bytes: .init(isSplit: true, startsWithSpace: false)),
      decoders: [.byteLevel], addedTokens: added, file: file)
  }

  /// A pre-tokenizer's or decoder's part of a file; a decoder ignores all switches.
  private static func byteLevel(addsPrefixSpace: Bool) -> JSON {
    .members([
      "type": .text("ByteLevel"), "add_prefix_space": .bool(addsPrefixSpace),
      "trim_offsets": .bool(true), "use_regex": .bool(true),
    ])
  }
}

extension BytePairTokenizer {
  /// A tokenizer whose tokens are the characters of a vocabulary, in this order and without
  /// merges. Its decoder joins them, so that the `tokenizers` package reads texts back unchanged.
  public init(characters: [Unicode.Scalar]) {
    let contents = characters.map { Array(String($0).utf8) }
    self.init(
      model: BytePairModel(contents: contents, merges: []), splitting: .characters,
      decoders: [.fuse], addedTokens: [],
      file: .members(["decoder": .members(["type": .text("Fuse")])]))
  }
}
