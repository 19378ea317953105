import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// `Examples/tiny.swift` with text in it that HTML must not take for its own, compiled once.
enum InspectionLibrary {
  static let hostile = "</script><!-- & <b>\"'\\u003c"

  static let path: Result<String, any Error> = Result {
    let model = try ModelFixture.folder() + "/tiny.swift"
    let tiny = Moec.repository.appendingPathComponent("Examples/tiny.swift")
    try (try String(contentsOf: tiny, encoding: .utf8) + "\n// \(hostile)\n")
      .write(toFile: model, atomically: true, encoding: .utf8)
    return try Moec.compile(model).library
  }

  /// What `moec bench --json` prints of it, in a file.
  static let bench: Result<String, any Error> = Result {
    let result = try Moec.run(
      ["bench", path.get(), "--steps", "1", "--threads", "1", "--json"])
    try #require(result.status == 0, "\(result.errors)")
    return try file("bench.json", result.output)
  }

  static func file(_ name: String, _ text: String) throws -> String {
    let path = try ModelFixture.folder() + "/" + name
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}
