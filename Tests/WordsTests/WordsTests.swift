import Testing
import Words

@Suite struct WordsTests {
  @Test(
    arguments: [
      (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (8_996_545, "8,996,545"),
      (-999, "-999"), (-1_000_001, "-1,000,001"), (-1000, "-1,000"), (-100_000, "-100,000"),
      (Int.max, "9,223,372,036,854,775,807"), (Int.min, "-9,223,372,036,854,775,808"),
    ])
  func thousandsAreApart(_ number: Int, _ text: String) {
    #expect(number.grouped == text)
    if number >= 0 { #expect(UInt64(number).grouped == text) }
  }

  @Test func columnsAreAsWideAsTheirCells() {
    #expect("ab".padded(to: 4) == "ab  ")
    #expect("abcd".padded(to: 4) == "abcd ")
    let rows = [["", "ms", "tokens/s"], ["a step", "12.345", ""], ["é"]]
    #expect(Columns.lines(rows) == ["            ms  tokens/s", "a step  12.345", "é"])
    #expect(
      Columns.text([["a", "b", "c"], ["aa", "bb", "cc"]]) { $0 != 1 } == "a    b  c\naa  bb  cc")
    #expect(Columns.lines([]) == [])
  }
}
