import SystemFiles
import Testing

@Suite struct ShellWordTests {
  @Test func wordsAreQuotedForAShell() {
    #expect(ShellWord.quoted("a-b_c.so") == "a-b_c.so")
    #expect(ShellWord.quoted("a b") == "'a b'")
    #expect(ShellWord.quoted("it's") == "'it'\\''s'")
    #expect(ShellWord.quoted("é.so") == "'é.so'")
    #expect(ShellWord.quoted("") == "''")
  }
}
