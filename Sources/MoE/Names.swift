/// What a model may call its axes, layers and itself.
///
/// Names become identifiers of C, file names and names of tensors, where a dot separates scopes.
enum Names {
  /// What is wrong with a name that is none, after the name itself.
  static func problem(
    _ name: String, rule: String = "must be a letter followed by letters, digits and _"
  ) -> String {
    name.utf8.count > longest ? "has \(name.count) characters, more than \(longest)" : rule
  }

  private static let longest = 64

  /// A letter followed by letters, digits and `_`.
  static func isAxis(_ name: String) -> Bool { isWord(name, "_") }

  /// Like an axis's.
  static func isLayer(_ name: String) -> Bool { isWord(name, "_") }

  /// Names of layers with dots between them.
  static func isParameter(_ name: String) -> Bool {
    name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLayer(String($0)) }
  }

  /// A letter followed by letters, digits, `-` and `_`.
  static func isModel(_ name: String) -> Bool { isWord(name, "-_") }

  /// Letters, digits, `-`, `_` and dots.
  static func isWordOfSetting(_ word: String) -> Bool { isWord("a" + word, "-_.") && !word.isEmpty }

  private static func isWord(_ name: String, _ others: String) -> Bool {
    guard let first = name.first, isLetter(first), name.utf8.count <= longest else { return false }
    return name.allSatisfy { isLetter($0) || ("0"..."9").contains($0) || others.contains($0) }
  }

  private static func isLetter(_ character: Character) -> Bool {
    character.isASCII && character.isLetter
  }
}
