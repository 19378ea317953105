/// C that is the same for every model, save for lines that only some have, and for a few words.
///
/// It lies as files in `CKernels/runtime`. There lines stand between `#if NAME`, `#else` and `#endif`
/// where NAME is a `Condition`, and a `Word` stands for what each model has in its place. Both are
/// resolved as the preprocessor would do it, so that a model's C holds neither what it does not need nor
/// questions about that. A line `#pragma moec …` says what the next one is to `moec bench`, and goes too.
/// All other directives stay.
struct RuntimeText: Sendable {
  /// What a model may have.
  enum Condition: String, CaseIterable, Sendable {
    case hasRouters = "MODEL_HAS_ROUTERS"

    /// Keys and values stay from one `moec_logits` to the next.
    case keepsRows = "MODEL_KEEPS_ROWS"

    /// What is differentiated is not the loss alone.
    case hasObjective = "MODEL_HAS_OBJECTIVE"

    /// There are numbers to tell of beside the loss.
    case hasTerms = "MODEL_HAS_TERMS"

    /// Rules update some of the parameters.
    case hasStates = "MODEL_HAS_STATES"

    /// Rules of some of them give directions.
    case hasSignSteps = "MODEL_HAS_SIGN_STEPS"

    /// Ranks share out the experts.
    case sharesExperts = "MODEL_SHARES_EXPERTS"

    case updatesInBackward = "MODEL_UPDATES_IN_BACKWARD"

    /// The library gives logits and nothing else.
    case infers = "MODEL_INFERS"

    /// Its last layer makes logits for some positions of a pass.
    case hasHead = "MODEL_HAS_HEAD"

    /// Rows may hold several documents.
    case takesDocuments = "MODEL_TAKES_DOCUMENTS"

    /// Parameters do not lie in memory as the model makes them, one after the other.
    case reorders = "MODEL_REORDERS"
  }

  /// What stands for a text.
  enum Word: String, CaseIterable, Sendable {
    case routerCount = "MODEL_ROUTER_COUNT"
    case expertCount = "MODEL_EXPERT_COUNT"

    /// How many choices a token has, of all routers.
    case choiceCount = "MODEL_CHOICE_COUNT"

    /// Positions of which the last layer makes logits at once.
    case headRows = "MODEL_HEAD_ROWS"

    /// How many ranks share out the experts.
    case expertRankCount = "MODEL_EXPERT_RANK_COUNT"
  }

  /// What holds for the model.
  var conditions: Set<Condition>

  /// What the model has in the place of words; several lines where one is indented like the others.
  var words: [Word: [String]]

  /// The text of a file, for this model.
  func resolved(_ text: UnsafePointer<CChar>) -> String { resolved(String(cString: text)) }

  func resolved(_ text: String) -> String {
    statements(text).lines.joined(separator: "\n")
  }

  /// The text of a file, for this model; each line by itself, the last one behind the end of the last.
  func statements(_ text: String) -> [Statement] {
    var open: [Branch] = []
    var statements: [Statement] = []
    var site: Statement.Site?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isOurs = follow(line, &open)
      if isOurs || !open.allSatisfy(\.isTaken) { continue }
      if let named = Self.sites[line] {
        site = named
        continue
      }
      statements.append(Statement(lines: replaced(line), site: site))
      site = nil
    }
    return statements
  }

  private static let sites: [Substring: Statement.Site] = [
    "#pragma moec update": .update, "#pragma moec update function": .updateFunction,
  ]

  /// One `#if` that is open: a condition's, or one that stays.
  private enum Branch {
    case condition(Bool)
    case other

    var isTaken: Bool { if case .condition(false) = self { false } else { true } }
  }

  /// Whether a line is a directive about a condition, which it does away with.
  private func follow(_ line: Substring, _ open: inout [Branch]) -> Bool {
    guard line.first == "#" else { return false }
    if line.hasPrefix("#if") {
      let condition = Condition(rawValue: String(line.dropFirst(4)))
      open.append(condition.map { .condition(conditions.contains($0)) } ?? .other)
      return condition != nil
    }
    guard case .condition(let isTaken) = open.last else {
      if line.hasPrefix("#endif") { open.removeLast() }
      return false
    }
    let (isElse, isEnd) = (line.hasPrefix("#else"), line.hasPrefix("#endif"))
    if isElse { open[open.count - 1] = .condition(!isTaken) }
    if isEnd { open.removeLast() }
    return isElse || isEnd
  }

  /// Whether a line has the beginning that all words have.
  private static func mayHoldWord(_ line: Substring) -> Bool {
    let (bytes, start) = (line.utf8, "MODEL_".utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: start) }
  }

  /// A line for each line of a word's text. What stands for a word is not looked at again: it has names
  /// of the model in it.
  private func replaced(_ line: Substring) -> [String] {
    // Few have any, and looking for each of them takes long.
    guard Self.mayHoldWord(line) else { return [String(line)] }
    let found = words.compactMap { word, texts in
      line.firstRange(of: word.rawValue).map { (range: $0, texts: texts) }
    }
    guard let first = found.min(by: { $0.range.lowerBound < $1.range.lowerBound }) else {
      return [String(line)]
    }
    let rests = replaced(line[first.range.upperBound...])
    return first.texts.flatMap { text in
      rests.map { String(line[..<first.range.lowerBound]) + text + $0 }
    }
  }
}
