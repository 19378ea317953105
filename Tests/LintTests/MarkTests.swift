import GraphIR
import MoE
import Testing

@testable import Lint

/// `// moec:intended RULE: why`.
@Suite struct MarkTests {
  @Test(
    "Names end where the reason begins",
    arguments: [
      ("// moec:intended capacity-zero", ["capacity-zero"]),
      ("x // moec:intended capacity-zero: why, and why not", ["capacity-zero"]),
      ("x // moec:intended capacity-zero — why", ["capacity-zero"]),
      ("x // moec:intended capacity-zero - why", ["capacity-zero"]),
      ("x // moec:intended capacity-zero (why)", ["capacity-zero"]),
      ("//moec:intended capacity-zero,capacity-batch", ["capacity-zero", "capacity-batch"]),
      ("// moec:intended capacity-zero, capacity-batch why", ["capacity-zero", "capacity-batch"]),
      ("/// moec:intended capacity-zero", ["capacity-zero"]),
      ("// moec:intended", []),
      ("// moec:intended: why", []),
    ])
  func names(source: String, names: [String]) {
    #expect(Mark.all(in: source).map(\.names) == [names])
  }

  @Test(
    "What is no comment is no mark",
    arguments: [
      "\"// moec:intended capacity-zero\"", "/* // moec:intended capacity-zero */",
      "/* /* */ // moec:intended capacity-zero\n*/",
      "\"\"\"\n// moec:intended capacity-zero\n\"\"\"", "#\"\"// moec:intended capacity-zero\"#",
      "\"\\(f(\")\"))// moec:intended capacity-zero\"", "// moec:intendedly", "// moec: intended",
      "\"\\\"// moec:intended capacity-zero\"",
    ])
  func strings(source: String) {
    #expect(Mark.all(in: source).isEmpty)
  }

  @Test("A mark holds for its line and the next one with code")
  func lines() {
    let source = """
      one  // moec:intended a-b

      /* nothing */ // moec:intended c-d
      // nothing
      two("\\(x)")  // moec:intended e-f
      """
    let marks = Mark.all(in: source)
    #expect(marks.map(\.lines) == [[1, 5], [3, 5], [5]])
    #expect(marks.map(\.column) == [6, 15, 14])
  }

  private let plain = TestModel.around { _, x in x }

  @Test func aMarkThatSilencesNothingIsAWarning() throws {
    let report = try plain.lint(source: "a\n  // moec:intended capacity-zero\n")
    let warning = try #require(report.warnings.first)
    #expect(report.warnings.count == 1)
    #expect(warning.rule == Linter.unneededMark)
    #expect(warning.location?.line == 2)
    #expect(warning.location?.column == 3)
    #expect(warning.text().contains("2:3: warning: capacity-zero has nothing to silence here"))
    #expect(warning.text(asError: true).contains("2:3: error: "))
  }

  @Test(
    "Unknown rules are errors with the list of all",
    arguments: [
      ("// moec:intended capacity-none", "there is no rule \"capacity-none\""),
      ("// moec:intended", "names no rule"),
    ])
  func unknown(source: String, message: String) throws {
    let report = try plain.lint(source: source)
    #expect(report.warnings.isEmpty)
    let error = try #require(report.errors.first)
    #expect(error.message.contains(message))
    for rule in Rule.allCases { #expect(error.hint?.contains(rule.rawValue) == true) }
  }

  @Test("A mark in a helper is for that file, and warnings come file by file")
  func helpers() throws {
    let mark = "// moec:intended capacity-zero\n\n"
    let report = try plain.lint(
      source: "a\n" + mark,
      helpers: [
        .init(path: "in/b.swift", text: mark), .init(path: "in/a.swift", text: "\n" + mark),
      ])
    let places = report.warnings.map { $0.location.map(\.description) ?? "" }
    #expect(
      places.map { $0.split(separator: "/").last.map(String.init) } == [
        places[0], "a.swift:2:1", "b.swift:1:1",
      ])
    #expect(places[0].hasSuffix(".swift:2:1") && !places[0].hasPrefix("in/"))
    let unknown = try plain.lint(
      source: "", helpers: [.init(path: "in/b.swift", text: "// moec:intended no-rule\n")])
    #expect(unknown.errors.map { $0.location?.description } == ["in/b.swift:1:1"])
  }
}
