import Foundation
import ModelFixtures
import Testing

/// The repository's own folder.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

let hasPython = (try? Command.shell("python3 -c ''"))?.status == 0
let hasNumPy = (try? Command.shell("python3 -c 'import numpy'"))?.status == 0

/// makemoe.swift with small odd sizes, compiled once to `libmodel.so` and `libmodel.h` in a folder.
enum SmallModel {
  static let folder = Result { try make() }

  static let text = "\(root)/Data/shakespeare.txt"
  static let library = "libmodel." + libraryExtension

  private static var libraryExtension: String {
    #if os(macOS)
      "dylib"
    #else
      "so"
    #endif
  }

  private static func make() throws -> String {
    let folder = try ModelFixture.folder()
    var model = try String(contentsOfFile: "\(root)/Examples/makemoe.swift", encoding: .utf8)
    for (size, small) in [
      (#""C", 128"#, #""C", 40"#), (#""T", 32"#, #""T", 13"#), (#""B", 16"#, #""B", 5"#),
      (#""E", 8"#, #""E", 5"#), ("heads = 8, depth = 8", "heads = 4, depth = 2"),
    ] {
      #expect(model.contains(size))
      model = model.replacingOccurrences(of: size, with: small)
    }
    try model.write(toFile: "\(folder)/model.swift", atomically: true, encoding: .utf8)
    let compilation = try Command.moec(
      ["compile", "model.swift", "-o", library, "--generated", "generated"], in: folder)
    try #require(compilation.status == 0, "\(compilation.errors)")
    return folder
  }
}
