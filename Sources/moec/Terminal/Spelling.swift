/// What somebody may have meant who wrote a word that there is not.
enum Spelling {
  /// The nearest of some words, if it is near: a letter wrong, missing, too many or two in the other
  /// order, two such in a word of six letters or more.
  static func nearest(to word: String, among words: some Sequence<String>) -> String? {
    let limit = word.drop { $0 == "-" }.count < 6 ? 1 : 2
    let rated = words.map { (word: $0, distance: distance(word, $0)) }
    let best = rated.min { ($0.distance, $0.word) < ($1.distance, $1.word) }
    if let best, best.distance <= limit { return best.word }
    // A beginning that says which is a hint too.
    let begun = rated.map(\.word).filter { $0.hasPrefix(word) && word.count > 2 }
    return begun.count == 1 ? begun[0] : nil
  }

  /// Edits that make one word the other, an exchange of neighbours being one.
  static func distance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first.utf8), Array(second.utf8))
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          best = min(best, rows[i - 1][j - 1] + 1)
        }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
