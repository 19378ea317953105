import JSON
import ModelFixtures
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct JSONTests {
  @Test(
    arguments: [
      "", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1,]", "[1 2]", "\"a", "\"\\x\"",
      "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "tru", "1 1",
      "--1", "{}{}", "+", "+1", "01", "-01", "1.", ".5", "-", "1e", "1e+", "1.e5", "0x10", "NaN",
      "Infinity", "nul", "'a'", "// a\n1", "\u{feff}\u{feff}1",
    ])
  func refuses(_ text: String) {
    for rules in [JSON.Rules.strict, .lenient] {
      #expect(throws: JSON.Failure.self) { try JSON.parse(bytes(text), rules) }
    }
  }

  @Test(arguments: ["0", "-0", "1.50", "-1.5e3", "1E-7", "18446744073709551616", "0.0e+00"])
  func keepsNumbersAsTheyAreWritten(_ text: String) throws {
    #expect(try JSON.parse(bytes(text), .strict) == .number(bytes(text)))
    #expect(try JSON.parse(bytes("[\(text)]")).line == "[\(text)]")
  }

  @Test func parses() throws {
    let text = " { \"a\" : [ 1 , -1.5e3, true,false,null ] , \"\\\"\\/\\t\" : \"\\u0041\" } "
    let value = try JSON.parse(bytes(text), .strict)
    #expect(
      value
        == .object([
          .init(
            key: bytes("a"),
            value: .array([.count(1), .numeral("-1.5e3"), .bool(true), .bool(false), .null])),
          .init(key: bytes("\"/\t"), value: .text("A")),
        ]))
    #expect(value["a"]?.elements?.map(\.whole) == [1, nil, nil, nil, nil])
    #expect(value["b"] == nil)
    #expect(try JSON.parse(bytes("\"\\ud83d\\ude00é\"")).name == "😀é")
  }

  /// What RFC 8259 leaves to readers.
  @Test func rulesDiffer() throws {
    let twice = bytes("{\"a\":1,\"a\":2}")
    #expect(try JSON.parse(twice)["a"]?.whole == 2)
    #expect(throws: JSON.Failure(offset: 10, reason: "the key \"a\" is there twice")) {
      try JSON.parse(twice, .strict)
    }
    // Two spellings of a key are two keys.
    let spellings = bytes("{\"\u{e9}\":1,\"e\u{301}\":2}")
    #expect(try JSON.parse(spellings, .strict).members?.map(\.value.whole) == [1, 2])
    let marked = [0xef, 0xbb, 0xbf] + bytes("1")
    #expect(try JSON.parse(marked) == .count(1))
    #expect(throws: JSON.Failure.self) { try JSON.parse(marked, .strict) }
    for (rules, deepest) in [(JSON.Rules.strict, 16), (.lenient, 64)] {
      let deep = String(repeating: "[", count: deepest) + String(repeating: "]", count: deepest)
      #expect(throws: Never.self) { try JSON.parse(bytes(deep), rules) }
      #expect(throws: JSON.Failure(offset: deepest, reason: "it is nested too deeply")) {
        try JSON.parse(bytes("[" + deep + "]"), rules)
      }
    }
    #expect(throws: JSON.Failure.notUTF8) { try JSON.parse([0x22, 0xff, 0x22]) }
  }

  @Test func writes() throws {
    let value: JSON = .members([
      "a": .array([.count(1), .bool(true), .array([]), .members([:])]), "left out": nil,
      "none": .null, "é\"\\": .text("\u{0}\u{8}\t\n\u{c}\r\u{1f}\u{7f}/é"),
    ])
    let line =
      #"{"a":[1,true,[],{}],"none":null,"é\"\\":"\u0000\b\t\n\f\r\u001f"# + "\u{7f}/é\"}"
    #expect(value.line == line)
    #expect(try JSON.parse(bytes(line), .strict) == value)
    #expect(try JSON.parse(value.indented, .strict) == value)
    let indented = "{\n  \"a\": [\n    1,\n    true,\n    [],\n    {}\n  ],\n  \"none\": null,\n"
    #expect(String(decoding: value.indented, as: UTF8.self).hasPrefix(indented))
    #expect(JSON.quoted("a\n\u{7f}\u{9b}é") == "\"a\\n\u{7f}\u{9b}é\"")
    #expect(JSON.quoted("a\n\u{7f}\u{9b}é", isForTerminal: true) == #""a\n\u007f\u009bé""#)
  }

  /// Whatever is taken is written and read again as it was; damage is taken or refused, soon.
  @Test func damageIsTakenOrRefused() throws {
    let seed = bytes(
      #"{"a":[1,2.5,-3e7,"\u00e9\ud83d\ude00"],"b":{"c":null,"d":[true,false]}}"#)
    let outcome = Damaged([seed], count: 2000).read { damaged in
      let value = try JSON.parse(damaged)
      guard try JSON.parse(bytes(value.line)) == value, try JSON.parse(value.indented) == value
      else { throw JSON.Failure(offset: 0, reason: "it is read as something else") }
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }
}
