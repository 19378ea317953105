import GraphIR
import Testing

@Suite struct SourceTextTests {
  @Test("Lines are numbered as #line numbers them: by line feeds alone")
  func lines() {
    let lines = SourceLines("a\r\nb\rb\n\u{2028}c\u{b}\u{c}\u{85}\nd")
    #expect(lines[0] == nil)
    #expect(lines[1] == "a")
    #expect(lines[2] == "b\rb")
    #expect(lines[3] == "\u{2028}c\u{b}\u{c}\u{85}")
    #expect(lines[4] == "d")
    #expect(lines[5] == nil)
    #expect(SourceLines("")[1] == "")
    #expect(lines.firstNumber(beginning: "d") == 4)
    #expect(lines.firstNumber(beginning: "e") == nil)
  }

  @Test("What has no look of its own is shown by its number")
  func onOneLine() {
    #expect("a\tb · é 語 🙂".onOneLine == "a b · é 語 🙂")
    #expect("a\r\nb\u{202e}\u{0}\u{200b}".onOneLine == "a<U+000D><U+000A>b<U+202E><U+0000><U+200B>")
  }
}
