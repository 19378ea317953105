import Foundation
import ModelFixtures
import Testing

/// `Examples/tiny.swift`, compiled once in a test run by the `moec` beside the tests.
enum TinyLibrary {
  static let path: Result<String, any Error> = Result {
    try compile { $0 }
  }

  /// With five blocks, there is room for passes of evaluation side by side.
  static let deep: Result<String, any Error> = Result {
    try compile {
      $0.replacingOccurrences(of: #"layers("block", 2,"#, with: #"layers("block", 5,"#)
    }
  }

  /// Logits so large that the loss is no number.
  static func overflowing() throws -> String {
    try compile {
      $0.replacingOccurrences(
        of: ".linear(weight: table)", with: ".linear(weight: table) * 3e38")
    }
  }

  /// One that gives logits and learns nothing.
  static func inferring() throws -> String { try compile(["--inference"]) { $0 } }

  /// One whose experts so many ranks share out.
  static func sharing(among ranks: Int) throws -> String {
    try compile(["--expert-ranks", "\(ranks)"]) { $0 }
  }

  private static func compile(
    _ options: [String] = [], _ change: (String) -> String
  ) throws -> String {
    let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Examples")
    let folder = try ModelFixture.folder()
    let source = try String(
      contentsOf: examples.appendingPathComponent("tiny.swift"), encoding: .utf8)
    try change(source).write(toFile: folder + "/tiny.swift", atomically: true, encoding: .utf8)
    let compiled = try Command.moec(
      ["compile", "tiny.swift", "-o", "libtiny.so"] + options, in: folder)
    try #require(compiled.status == 0, "\(compiled.errors)")
    return folder + "/libtiny.so"
  }
}

/// Exit code 1, one line that says what is wrong and one that says what to do.
func expectFailure(
  _ result: Command, _ message: String, at location: SourceLocation = #_sourceLocation
) {
  #expect(result.status == 1, sourceLocation: location)
  let lines = result.errors.split(separator: "\n")
  #expect(lines.count == 2, "\(result.errors)", sourceLocation: location)
  #expect(lines.first?.hasPrefix("error: ") == true, sourceLocation: location)
  #expect(lines.first?.contains(message) == true, "\(result.errors)", sourceLocation: location)
  #expect(lines.last?.hasPrefix("hint: ") == true, sourceLocation: location)
}
