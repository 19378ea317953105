import Chat
import ModelRuntime
import Words

/// Conversations as rows of tokens, in two parts: to train on and to validate.
struct Conversations: Sendable {
  /// One of the two parts.
  struct Part: Sendable {
    var texts: LearnedTexts
    var rows: ConversationRows
    /// Tokens that take places of rows, and targets that are kept.
    var count: TokenCount
  }

  let path: String
  let coding: TextCoding
  let charactersPerToken: CharactersPerToken?
  /// How they were read, everything said.
  let options: ConversationOptions
  let files: ChatFiles
  let training: Part
  let validation: Part
  /// Whether rows have several texts.
  let packs: Bool
  let context: Int
  let findings: ConversationFindings
  let order = EpochOrder()

  /// Whether a path names conversations: JSON lines.
  static func isNamed(by path: String) -> Bool { path.lowercased().hasSuffix(".jsonl") }

  /// Reads conversations for a model; those of several in a row need one that `packs`.
  ///
  /// Errors: what cannot be read, with its line; nothing is left to train on, or to validate.
  init(
    path: String, manifest: Manifest, coding: TextCoding, files: ChatFiles,
    _ options: ConversationOptions, packs: Bool
  ) throws {
    if case .subwords(let tokenizer) = coding { try Corpus.check(tokenizer, manifest) }
    context = manifest.context
    var reader = ConversationReader(coding, files, options, context: context)
    var texts = try reader.texts(of: path)
    let found = reader.findings
    var others: LearnedTexts?
    if let validation = options.validation { others = try reader.texts(of: validation) }
    findings = reader.findings
    if others == nil {
      let boundary = Corpus.boundary(of: texts.count)
      others = texts[boundary..<texts.count]
      texts = texts[0..<boundary]
    }
    if options.validation == nil, texts.count + (others?.count ?? 0) == 1 {
      throw ConversationsError.onlyOne(path: path)
    }
    let validated = others ?? LearnedTexts()
    for (part, path) in [(texts, path), (validated, options.validation ?? path)]
    where part.count == 0 {
      let validates = texts.count > 0
      throw ConversationsError.tooFew(
        path: path, validates: validates, context: context,
        validates && options.validation != nil ? findings.since(found) : found)
    }
    self.path = path
    (self.coding, self.files, self.packs) = (coding, files, packs)
    self.options = reader.options(files)
    training = Part(texts, context, packs: packs)
    validation = Part(validated, context, packs: packs)
    charactersPerToken = CharactersPerToken(coding, training.texts, validation.texts)
  }
}

extension Conversations {
  /// Why a run that read the file of this name read other rows; nil where it read another file.
  func difference(from record: RunRecord) -> String? {
    func name(_ path: String?) -> Substring? { path?.split(separator: "/").last }
    guard let earlier = record.conversations, name(record.data) == name(path) else { return nil }
    let others = [
      ("--learn", options.learn != earlier.learn),
      ("--too-long", options.tooLong != earlier.tooLong),
      ("--validation", name(options.validation) != name(earlier.validation)),
    ].filter(\.1).map(\.0)
    return others.isEmpty
      ? "it was changed, or the library was compiled with --documents and the other was not"
      : "\(others.joined(separator: ", ")) of it is another"
  }
}

extension Conversations.Part {
  init(_ texts: LearnedTexts, _ context: Int, packs: Bool) {
    self.texts = texts
    let lengths = (0..<texts.count).map(texts.length)
    rows =
      packs
      ? ConversationRows(packing: lengths, context: context) : ConversationRows(one: texts.count)
    count = TokenCount(
      all: lengths.reduce(0, +), learned: (0..<texts.count).reduce(0) { $0 + texts.learned(of: $1) }
    )
  }

  /// The share of places that nothing is in.
  func padding(_ context: Int) -> Double { 1 - Double(count.all) / Double(rows.count * context) }

  /// Places of a row that are taken.
  func tokens(of row: Int) -> Int { rows[row].reduce(0) { $0 + texts.length(of: $1) } }

  func count(of row: Int) -> TokenCount {
    TokenCount(
      all: tokens(of: row), learned: rows[row].reduce(0) { $0 + texts.learned(of: $1) })
  }

  /// A batch of rows, empty ones behind the last.
  func batch(
    _ chosen: some Collection<Int>, of rows: Int, _ context: Int, packs: Bool
  ) -> Batch {
    var batch = Batch(padding: rows * context)
    var beginnings = [Int32](repeating: 0, count: rows * context)
    for (place, row) in chosen.enumerated() {
      var position = 0
      for text in self.rows[row] {
        let first = place * context + position
        let span = texts.span(of: text)
        for (offset, source) in span.dropLast().enumerated() {
          batch.tokens[first + offset] = texts.tokens[source]
          if texts.isLearned[source + 1] {
            batch.targets[first + offset] = texts.tokens[source + 1]
          }
          beginnings[first + offset] = Int32(position)
        }
        position += span.count - 1
      }
      // What is left over is a text of its own.
      for offset in position..<context { beginnings[place * context + offset] = Int32(position) }
    }
    if packs { batch.beginnings = beginnings }
    return batch
  }
}

extension CharactersPerToken {
  /// Of the tokens that are learned; nil where tokens are characters, or where a part has none.
  init?(_ coding: TextCoding, _ training: LearnedTexts, _ validation: LearnedTexts) {
    guard case .subwords(let tokenizer) = coding else { return nil }
    let counts = tokenizer.characterCounts()
    func density(_ texts: LearnedTexts) -> Double {
      var (characters, learned) = (0, 0)
      for index in 0..<texts.count {
        for place in texts.span(of: index).dropFirst() where texts.isLearned[place] {
          characters += Int(counts[Int(texts.tokens[place])])
          learned += 1
        }
      }
      return Double(characters) / Double(max(learned, 1))
    }
    self.init(training: density(training), validation: density(validation))
    if self.training == 0 || self.validation == 0 { return nil }
  }
}
