import Testing

@testable import SystemFiles

@Suite struct MarkRunsTests {
  private func place(_ text: String) -> Int? { MarkRuns.excessive(in: Array(text.utf8)) }

  private func marks(_ mark: String, _ count: Int) -> String {
    String(repeating: mark, count: count)
  }

  @Test(arguments: ["\u{301}", "\u{323}", "\u{1d165}", "\\u0301", "\\ud834\\udd65", "\\u0323"])
  func longRunsAreFound(_ mark: String) {
    #expect(place("ab" + marks(mark, 100) + "c" + marks(mark, 100)) == nil)
    #expect(place("ab" + marks(mark, 101)) == 1)
    #expect(place(marks("e" + mark, 1000)) == nil)
  }

  @Test func ordinaryTextHasNone() {
    for text in ["", "\\", "a\\", "\\u", "\\u03", "\\n\\\"\\\\", "Z͑ͫ̓a̴l̶g̷o", "각한글 हिन्दी", "😀👩‍👩‍👧"] {
      #expect(place(text) == nil)
    }
    #expect(MarkRuns.excessive(in: [0xff, 0xcc, 0xe2, 0x82, 0xf0]) == nil)
  }

  /// A sort whose time grows with the square would take hours here.
  @Test(.timeLimit(.minutes(1))) func aMegabyteIsLookedThroughSoon() {
    #expect(place("a" + marks("\u{301}\u{323}", 250_000)) == 0)
  }
}
