import Foundation
import ModelFixtures
import Testing

/// The changelog keeps its form, and knows of the version that moec says it is.
@Suite struct ChangelogTests {
  @Test func versionsAreInOrder() throws {
    let text = try String(contentsOfFile: "\(root)/CHANGELOG.md", encoding: .utf8)
    let headings = text.matches(of: /(?m)^## (.*)$/).map { String($0.output.1) }
    #expect(headings.first == "[Unreleased]")
    var versions: [(number: [Int], day: String)] = []
    for heading in headings.dropFirst() {
      let match = try #require(
        heading.wholeMatch(of: /\[([0-9]+)\.([0-9]+)\.([0-9]+)\] - ([0-9]{4}-[0-9]{2}-[0-9]{2})/),
        "\(heading)")
      let number = try [match.output.1, match.output.2, match.output.3].map {
        try #require(Int($0))
      }
      versions.append((number, String(match.output.4)))
    }
    for (newer, older) in zip(versions, versions.dropFirst()) {
      #expect(older.number.lexicographicallyPrecedes(newer.number))
      #expect(older.day <= newer.day)
    }
    let said = try Command.moec(["--version"]).output.prefix { $0 != "\n" }
    let newest = try #require(versions.first).number.map(String.init).joined(separator: ".")
    #expect(said == "moec \(newest)", "a new version has a part of CHANGELOG.md")
  }

  @Test func partsAreThoseOfTheForm() throws {
    let text = try String(contentsOfFile: "\(root)/CHANGELOG.md", encoding: .utf8)
    let parts = Set(text.matches(of: /(?m)^### (.*)$/).map { String($0.output.1) })
    #expect(
      parts.isSubset(of: ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]))
  }
}
