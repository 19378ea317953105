/// Some characters of Unicode, as a bracket or an escape of a regular expression names them.
struct CharacterClass: Equatable, Sendable {
  enum Item: Equatable, Sendable {
    case range(ClosedRange<UInt32>)
    /// One of `UnicodeClasses`: letter, number, white space.
    case kind(UInt8)
    /// A bit for each general category, as a version of Unicode has them.
    case categories(UInt32, version: Int = CharacterClass.version)
    /// What `\w` takes.
    case word
    /// All that another class has not, or has.
    indirect case other(CharacterClass)
  }

  /// The Unicode of the package's regular expressions.
  static let version = 16

  private(set) var items: [Item]
  private(set) var isNegated: Bool
  /// What it says of the characters below 128, for speed.
  private var ascii: (low: UInt64, high: UInt64) = (0, 0)

  init(_ items: [Item], isNegated: Bool = false) {
    self.items = items
    self.isNegated = isNegated
    for value in UInt32(0)..<128 where evaluate(value) {
      if value < 64 {
        ascii.low |= 1 << UInt64(value)
      } else {
        ascii.high |= 1 << UInt64(value - 64)
      }
    }
  }

  static func == (a: CharacterClass, b: CharacterClass) -> Bool {
    a.items == b.items && a.isNegated == b.isNegated
  }

  @inline(__always)
  func contains(_ value: UInt32) -> Bool {
    if value < 64 { return ascii.low >> UInt64(value) & 1 == 1 }
    if value < 128 { return ascii.high >> UInt64(value - 64) & 1 == 1 }
    return evaluate(value)
  }

  private func evaluate(_ value: UInt32) -> Bool {
    for item in items where CharacterClass.matches(item, value) { return !isNegated }
    return isNegated
  }

  private static func matches(_ item: Item, _ value: UInt32) -> Bool {
    switch item {
    case .range(let range): return range.contains(value)
    case .kind(let kind):
      return Int(value) < UnicodeClasses.limit && UnicodeClasses.table[Int(value)] == kind
    case .categories(let mask, let version):
      guard let scalar = Unicode.Scalar(value) else { return false }
      let category = scalar.properties.generalCategory
      let known = scalar.isOfUnicode(version) ? category : .unassigned
      return mask >> bit(known) & 1 == 1
    case .word: return Unicode.Scalar(value).map(isWord) ?? false
    case .other(let other): return other.contains(value)
    }
  }

  /// Letters, marks, decimal numbers, joiners and connectors.
  static func isWord(_ character: Unicode.Scalar) -> Bool {
    let properties = character.properties
    guard character.isOfUnicode(version) else { return false }
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}

extension Unicode.Scalar {
  /// Whether a version of Unicode has the character.
  func isOfUnicode(_ version: Int) -> Bool {
    value < 0x80 || properties.age?.major ?? 99 <= version
  }
}

// MARK: - Names of classes

extension CharacterClass {
  /// Numbers as `Digits` finds them, which knows Unicode 17.
  static let digits = CharacterClass([
    .kind(UnicodeClasses.number), .range(0x11de0...0x11de9), .range(0x16ff4...0x16ff6),
  ])

  /// ASCII's, and what Unicode calls punctuation.
  static let punctuation = CharacterClass([
    .range(0x21...0x2f), .range(0x3a...0x40), .range(0x5b...0x60), .range(0x7b...0x7e),
    .categories(
      mask([
        .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
        .initialPunctuation, .finalPunctuation, .otherPunctuation,
      ]), version: 8),
  ])

  /// The class of an escape's letter, `\s` and the like; nil for other letters.
  static func escape(_ letter: Character) -> CharacterClass? {
    switch letter {
    case "s": CharacterClass([.kind(UnicodeClasses.space)])
    case "S": CharacterClass([.kind(UnicodeClasses.space)], isNegated: true)
    case "d": CharacterClass([.categories(mask([.decimalNumber]))])
    case "D": CharacterClass([.categories(mask([.decimalNumber]))], isNegated: true)
    case "w": CharacterClass([.word])
    case "W": CharacterClass([.word], isNegated: true)
    default: nil
    }
  }

  /// The class of `\p{NAME}`; nil for a name that is none.
  static func property(_ name: String) -> CharacterClass? {
    switch name {
    // The same tables as of GPT-2's pattern, of the Unicode that the package knows.
    case "L", "Letter": return CharacterClass([.kind(UnicodeClasses.letter)])
    case "N", "Number": return CharacterClass([.kind(UnicodeClasses.number)])
    case "Han": return CharacterClass(han.map(Item.range))
    default: break
    }
    let found = categories.filter { category in
      category.name == name || (name.count == 1 && category.name.hasPrefix(name))
    }
    return found.isEmpty ? nil : CharacterClass([.categories(mask(found.map(\.category)))])
  }

  private static let han: [ClosedRange<UInt32>] = [
    0x2e80...0x2e99, 0x2e9b...0x2ef3, 0x2f00...0x2fd5, 0x3005...0x3005, 0x3007...0x3007,
    0x3021...0x3029, 0x3038...0x303b, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xf900...0xfa6d,
    0xfa70...0xfad9, 0x16fe2...0x16fe3, 0x16ff0...0x16ff1, 0x20000...0x2a6df, 0x2a700...0x2b739,
    0x2b740...0x2b81d, 0x2b820...0x2cea1, 0x2ceb0...0x2ebe0, 0x2ebf0...0x2ee5d, 0x2f800...0x2fa1d,
    0x30000...0x3134a, 0x31350...0x323af,
  ]

  private static func mask(_ categories: [Unicode.GeneralCategory]) -> UInt32 {
    categories.reduce(0) { $0 | 1 << bit($1) }
  }

  private static func bit(_ category: Unicode.GeneralCategory) -> UInt32 {
    UInt32(categories.firstIndex { $0.category == category } ?? 31)
  }

  private static let categories: [(name: String, category: Unicode.GeneralCategory)] = [
    ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter),
    ("Lm", .modifierLetter), ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark),
    ("Me", .enclosingMark), ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber),
    ("Pc", .connectorPunctuation), ("Pd", .dashPunctuation), ("Ps", .openPunctuation),
    ("Pe", .closePunctuation), ("Pi", .initialPunctuation), ("Pf", .finalPunctuation),
    ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
    ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator),
    ("Zl", .lineSeparator), ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format),
    ("Cs", .surrogate), ("Co", .privateUse), ("Cn", .unassigned),
  ]
}
