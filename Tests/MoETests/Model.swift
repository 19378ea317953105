import Foundation
import ModelFixtures

/// A model.swift compiled against the modules beside the running tests, as moec does it.
struct Model {
  struct Result {
    var status: Int32
    var graph: String
    var output: String
    var errors: String
  }

  /// Where SwiftPM left modules and objects; nil where they are not beside the tests.
  static let products: URL? = {
    let test = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let modules = test.appendingPathComponent("Modules/MoE.swiftmodule").path
    return FileManager.default.fileExists(atPath: modules) ? test : nil
  }()

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func example(_ name: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent("Examples/\(name).swift"), encoding: .utf8)
  }

  /// Compiles and runs a source called model.swift; a graph goes to descriptor 3.
  static func run(_ source: String, language: Int = 6, arguments: String? = nil) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moe-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try source.write(
      to: folder.appendingPathComponent("model.swift"), atomically: true, encoding: .utf8)
    let products = products?.path ?? "."
    let script = """
      swiftc -swift-version \(language) -Onone -I "\(products)/Modules" model.swift \
      "\(products)"/MoE.build/*.o "\(products)"/GraphIR.build/*.o \
      "\(products)"/Words.build/*.o -o model >compiler.txt 2>&1 \
      || { cat compiler.txt >&2; exit 65; }
      exec ./model \(arguments ?? "--graph-descriptor 3") 3>graph.txt
      """
    return try shell(script, in: folder)
  }

  private static func shell(_ script: String, in folder: URL) throws -> Result {
    let ended = try Command.run("/bin/sh", ["-c", script], in: folder.path)
    let graph = try? String(contentsOf: folder.appendingPathComponent("graph.txt"), encoding: .utf8)
    return Result(
      status: ended.status, graph: graph ?? "", output: ended.output, errors: ended.errors)
  }
}
