import Foundation
import ModelFixtures
import Testing

/// The repository's own folder.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// A page of Docs/.
struct DocumentationPage {
  var name: String
  var text: String

  /// The name is without `.md`.
  init(_ name: String) throws {
    self.name = name
    text = try String(contentsOfFile: Self.path(name), encoding: .utf8)
  }

  static func path(_ name: String) -> String { "\(root)/Docs/\(name).md" }

  /// The names of all pages, without `.md`.
  static let names = Result {
    try FileManager.default.contentsOfDirectory(atPath: "\(root)/Docs")
      .filter { $0.hasSuffix(".md") }.map { String($0.dropLast(3)) }.sorted()
  }

  /// A fenced block: its language, the file that it is to be saved as if one stands behind that, and
  /// what is in it.
  struct Block: Equatable {
    var language: String
    var file: String?
    var text: String
  }

  var blocks: [Block] {
    text.matches(of: /(?m)^```([a-z]+)(?: ([A-Za-z0-9._\/-]+))?\n([\s\S]*?)^```$/).map { match in
      Block(
        language: String(match.output.1), file: match.output.2.map(String.init),
        text: String(match.output.3))
    }
  }

  /// What stands in backquotes at the head of each row of the table under a heading.
  func names(under heading: String) throws -> Set<String> {
    let start = try #require(text.range(of: "\n## \(heading)\n"), "\(name).md has no \(heading)")
    let end = text.range(of: "\n## ", range: start.upperBound..<text.endIndex)?.lowerBound
    let section = text[start.upperBound..<(end ?? text.endIndex)]
    let cells = section.matches(of: /(?m)^\| (`[^|]*`) \|/).map(\.output.1)
    return Set(cells.flatMap { $0.matches(of: /`([^`]+)`/).map { String($0.output.1) } })
  }

  /// What stands between the marks of a generated part must be `expected`; `MOEC_RECORD=1` writes it.
  func check(generated part: String, is expected: String) throws {
    let opening = try #require(text.range(of: "<!-- generated: \(part) -->\n"))
    let closing = try #require(
      text.range(of: "<!-- end of \(part) -->", range: opening.upperBound..<text.endIndex))
    let range = opening.upperBound..<closing.lowerBound
    if ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil {
      let new = text.replacingCharacters(in: range, with: expected)
      try new.write(toFile: Self.path(name), atomically: true, encoding: .utf8)
      Issue.record("recorded Docs/\(name).md; run again without MOEC_RECORD")
      return
    }
    let (old, new) = (lines(text[range]), lines(expected[...]))
    for (index, line) in new.enumerated() where index >= old.count || old[index] != line {
      Issue.record(
        """
        Docs/\(name).md differs: MOEC_RECORD=1 swift test --filter DocsTests
        there: \(index < old.count ? old[index] : "nothing")
        now:   \(line)
        """)
      return
    }
    #expect(old.count == new.count, "Docs/\(name).md has more lines than there are now")
  }

  private func lines(_ text: Substring) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }
}

/// A scratch copy of what a clone has for its user, with `moec` on the `PATH`.
struct ScratchClone {
  let folder: String

  init() throws {
    folder = try ModelFixture.folder()
    let files = FileManager.default
    for part in ["Examples", "Docs", ".gitignore", "README.md"] {
      try files.copyItem(atPath: "\(root)/\(part)", toPath: "\(folder)/\(part)")
    }
    // A tenth of the corpus: a debug build of moec takes a second to read the whole.
    try files.createDirectory(atPath: "\(folder)/Data", withIntermediateDirectories: true)
    let corpus = try Data(contentsOf: URL(fileURLWithPath: "\(root)/Data/shakespeare.txt"))
    try corpus.prefix(110_000).write(to: URL(fileURLWithPath: "\(folder)/Data/shakespeare.txt"))
  }

  /// What `git status` shows after `commands`, which begin in a clone that is clean; nil without git.
  func changes(_ commands: () throws -> Void) throws -> String? {
    let begun = try Command.shell(
      """
      command -v git > /dev/null || exit 77
      git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm begun
      """, in: folder)
    try commands()
    if begun.status == 77 { return nil }
    try #require(begun.status == 0, "\(begun.errors)")
    return try Command.shell("git status --porcelain", in: folder).output
  }

  /// Types commands; what they print on either output comes together.
  func type(_ commands: String) throws -> Command {
    try Command.shell(
      """
      PATH=$(dirname "$0"):$PATH; export PATH
      exec 2>&1
      eval "$1"
      """, ["set -e\n" + commands], in: folder)
  }
}
