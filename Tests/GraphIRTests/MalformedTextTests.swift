import Foundation
import Testing

@testable import GraphIR

@Suite("Malformed text")
struct MalformedTextTests {
  /// A part of the small model's text, what stands there instead, and the error.
  struct Change: Sendable, CustomTestStringConvertible {
    var old: String
    var new: String
    var expected: String
    var testDescription: String { "\(old) -> \(new)" }

    init(_ old: String, _ new: String, _ expected: String) {
      self.old = old
      self.new = new
      self.expected = expected
    }
  }

  static let header = [
    Change("graph \"small\"", "", "2:1: expected \"graph\", found \"axis\""),
    Change("\"small\"", "small", "1:7: expected the graph's name in quotes, found \"small\""),
    Change("\"small\"", "\"small", "1:7: the graph's name has no closing quote"),
    Change("\"small\"", "\"\\q\"", "1:9: unknown escape in a string"),
    Change(
      "\"small\"", "\"\\u{zz}\"",
      "1:10: expected a character's number in braces, as in \\u{7f}"),
    Change(
      "\"small\"", "\"\\u{d800}\"",
      "1:10: expected a character's number in braces, as in \\u{7f}"),
    Change("axis B 2", "axis B 0", "2:6: axis B has size 0"),
    Change(
      "axis B 2", "axis B -2", "2:8: expected the size of axis B, found \"-2\""),
    Change(
      "axis B 2", "axis B 2147483648",
      "2:8: the size of axis B must be at most 2147483647"),
    Change(
      "axis B 2", "axis B 99999999999999999999999",
      "2:8: the size of axis B must be at most 2147483647"),
    Change("axis B 2", "axis B 2.5", "2:9: expected the end of the line, found \".5\""),
    Change("axis T 3", "axis B 3", "3:6: axis B is declared twice"),
    Change(
      "axis B 2\n", "",
      "7:7: unknown axis B\n  hint: declare it above: axis B 8"),
    Change(
      "batch B", "batch B/3",
      "8:7: the size of axis B/3 is not a whole number from 1 to 2147483647"),
    Change(
      "batch B", "batch B/0",
      "8:7: the size of axis B/0 is not a whole number from 1 to 2147483647"),
    Change(
      "batch B", "batch 2147483647B",
      "8:7: the size of axis 2147483647B is not a whole number from 1 to 2147483647"),
    Change("batch B", "batch B·", "8:9: expected an axis name, found the end of the line"),
    Change("batch B", "batch", "8:6: expected an axis, found the end of the line"),
    Change("beta1 0.9", "beta1", "11:42: expected the value of beta1, found \"beta2\""),
    Change("adamW", "sgd", "11:11: expected \"adamW\", found \"sgd\""),
  ]

  static let nodes = [
    Change("%2 =", "%3 =", "15:1: expected node %2"),
    Change("= embedding", "= embed", "15:6: unknown op embed"),
    Change(
      "embedding(%0, %1)", "embedding(%0, %2)",
      "15:20: %2 is no value of an earlier node"),
    Change(
      "embedding(%0, %1)", "embedding(%0, %1.1)",
      "15:20: %1.1 is no value of an earlier node"),
    Change(
      "embedding(%0, %1)", "embedding(%0)",
      "15:1: embedding: expected 2 inputs, got 1"),
    Change(
      "embedding(%0, %1)", "embedding(%0, %1",
      "15:23: expected \")\", found \":\""),
    Change(
      "embedding(%0, %1) :", "embedding(%0, %1) {fast} :",
      "15:1: embedding: unknown attribute \"fast\""),
    Change(
      "%1) : f32[B, T, C]", "%1) : f32[B, T]",
      "15:26: the types of embedding must be f32[B, T, C]"),
    Change(
      "%1) : f32[B, T, C]", "%1)",
      "15:23: expected \":\", found the end of the line"),
    Change(
      "%1) : f32[B, T, C]", "%1) : f16[B, T, C]",
      "15:26: unknown type f16, expected f32 or i32"),
    Change("chosen [K]", "chosen K", "18:22: expected the value of chosen, found \"K}\""),
    Change(
      "chosen [K]", "chosen [T, K]", "18:1: top: attribute \"chosen\" must be one axis"),
    Change("init zeros", "init threes", "16:48: unknown initializer threes"),
    Change("kind \"tokens\"", "kind \"words\"", "13:1: input: unknown kind words"),
    Change(
      "capacity 0.5", "capacity 1e999",
      "23:42: \"1e999\" is no number that fits a double"),
    Change("heads [K]", "heads [E]", "31:1: attention: E (3) heads do not divide the width C (4)"),
    Change("backward\n", "sideways\n", "32:1: unknown line: sideways"),
    Change("return loss", "return perplexity", "36:8: unknown output perplexity"),
    Change("return loss %17", "return loss %21", "36:13: %21 is no value of an earlier node"),
    Change("a.swift:3:5", "a.swift:3", "14:93: expected \":\", found the end of the line"),
  ]

  @Test("One change makes one clear error at its place", arguments: header + nodes)
  func refused(change: Change) throws {
    let text = Graph.small.text
    let start = try #require(text.range(of: change.old))
    do {
      _ = try Graph(parsing: text.replacingCharacters(in: start, with: change.new))
      Issue.record("parsed, expected: \(change.expected)")
    } catch {
      #expect(error.description.replacing("error: ", with: "") == "graph:\(change.expected)")
    }
  }

  @Test("Nothing and next to nothing is refused", arguments: ["", "\n", "#", "\0", "%", "graph"])
  func nearlyEmpty(text: String) {
    #expect(throws: Diagnostic.self) { try Graph(parsing: text) }
  }

  @Test("No mutation of a valid text traps, in the parser or in the verifier", arguments: 0..<20)
  func mutations(seed: UInt64) {
    var numbers = RandomNumbers(state: seed)
    let texts = OpKind.allSamples.map(\.graph.text) + [Graph.small.text]
    for _ in 0..<300 {
      var bytes = Array((texts.randomElement(using: &numbers) ?? "").utf8)
      for _ in 0...Int.random(in: 0..<3, using: &numbers) { bytes.mutate(&numbers) }
      // Whatever still parses prints and parses again, and can be verified.
      guard let graph = try? Graph(parsing: String(decoding: bytes, as: UTF8.self)) else {
        continue
      }
      #expect((try? Graph(parsing: graph.text)) == graph)
      try? Verifier.verify(graph)
    }
  }

  @Test("A text cut anywhere does not trap")
  func prefixes() {
    let bytes = Array(Graph.small.text.utf8)
    for end in bytes.indices {
      _ = try? Graph(parsing: String(decoding: bytes[..<end], as: UTF8.self))
    }
  }
}

extension [UInt8] {
  /// Changes a byte, removes some, repeats some, or puts in something with a meaning.
  fileprivate mutating func mutate(_ numbers: inout RandomNumbers) {
    guard !isEmpty else { return }
    let start = Int.random(in: 0..<count, using: &numbers)
    let end = Swift.min(count, start + Int.random(in: 1...8, using: &numbers))
    switch Int.random(in: 0..<5, using: &numbers) {
    case 0: self[start] = UInt8.random(in: 0...255, using: &numbers)
    case 1: removeSubrange(start..<end)
    case 2: insert(contentsOf: Array(self[start..<end]), at: start)
    case 3: replaceSubrange(start..<end, with: Self.words.randomElement(using: &numbers) ?? [])
    case _: insert(contentsOf: Self.words.randomElement(using: &numbers) ?? [], at: start)
    }
  }

  private static let words: [[UInt8]] = [
    "0", "-1", "2147483647", "2147483648", "99999999999999999999", "1e999", "nan", "inf", "1e-5",
    "B", "T", "4C", "C/0", "E+2147483647", "B·T·K", "[]", "[B, T]", "by E", "{", "}", "(", ")",
    "((((((((", "%0", "%1.2", "%99", "\"", "\\u{", "x0", "x9999999999", "tanh(", "keep(stream 1, ",
    "f32[]", "i32[T]", " : ", " @ ", "return loss ", "forward\n", "backward\n", "axis Q 5\n", "#",
  ].map { Array($0.utf8) }
}
