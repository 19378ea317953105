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

  @Test func oneIsNoPlural() {
    let texts = [0, 1, 2, 1200].map { $0.of("layer") }
    #expect(texts == ["0 layers", "1 layer", "2 layers", "1,200 layers"])
  }

  @Test(arguments: [
    (0, "0.0 MFLOP"), (1, "0.0 kFLOP"), (50, "0.1 kFLOP"), (12_545, "12.5 kFLOP"),
    (49_949, "49.9 kFLOP"), (50_000, "0.1 MFLOP"), (1_250_000, "1.3 MFLOP"),
    (99_900_000, "99.9 MFLOP"), (344_900_000, "345 MFLOP"), (2_000_000_000, "2,000 MFLOP"),
  ])
  func workHasDigitsToShow(_ count: Int, _ text: String) { #expect(flopText(count) == text) }

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
