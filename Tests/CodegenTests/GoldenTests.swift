import CompiledModels
import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Toolchain

/// What is checked in, and what a reader of it can do without moec.
@Suite struct GoldenTests {
  static let isRecording = ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil
  static let command = "MOEC_RECORD=1 swift test --filter GoldenTests"

  @Test("Generated/makemoe is what the compiler writes for Examples/makemoe.swift")
  func makemoe() throws {
    let golden = Moec.repository.appendingPathComponent("Generated/makemoe")
    let fresh = try Self.withUsualCompiler(Moec.makemoe().generated)
    if Self.isRecording {
      try? FileManager.default.removeItem(at: golden)
      try FileManager.default.createDirectory(
        at: golden.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: fresh, to: golden)
      Issue.record("recorded Generated/makemoe; run again without MOEC_RECORD")
      return
    }
    let result = try Command.run("/usr/bin/env", ["diff", "-ru", golden.path, fresh.path])
    let shown = result.output.split(separator: "\n").prefix(40).joined(separator: "\n")
    #expect(
      result.status == 0,
      "Generated/makemoe is not what the compiler writes; \(Self.command)\n\(shown)")
  }

  /// A copy of generated sources whose line at the head of model.c, and in the manifest, names the usual
  /// compiler, in place of the one that was found here.
  private static func withUsualCompiler(_ generated: URL) throws -> URL {
    let folder = URL(fileURLWithPath: try ModelFixture.folder()).appendingPathComponent("usual")
    try FileManager.default.copyItem(at: generated, to: folder)
    let line = try compilerLine(
      String(contentsOf: folder.appendingPathComponent("model.c"), encoding: .utf8))
    let output = "libmakemoe.\(line.contains(" libmakemoe.dylib ") ? "dylib" : "so")"
    let sources = line.split(separator: " ").map(String.init).filter { $0.hasSuffix(".c") }
    let usual = try CCompiler.portableCommandLine(sources: sources, output: "libmakemoe.so")
    #expect(line.contains(" -o \(output) "))
    for name in ["model.c", "manifest.json"] {
      let file = folder.appendingPathComponent(name)
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.contains(line))
      try Data(text.replacing(line, with: usual).utf8).write(to: file)
    }
    return folder
  }

  /// The line that builds the library, from the text of model.c.
  private static func compilerLine(_ text: String) throws -> String {
    let lines = text.split(separator: "\n").prefix(20)
    let line = try #require(lines.first { $0.contains(" -o libmakemoe.") })
    return String(line.drop { $0 == "/" || $0 == " " })
  }

  @Test("The line at the head of model.c rebuilds the library without moec")
  func rebuild() throws {
    let example = try Moec.makemoe()
    let folder = URL(fileURLWithPath: try ModelFixture.folder()).appendingPathComponent("copy")
    try FileManager.default.copyItem(at: example.generated, to: folder)
    let source = try String(
      contentsOf: folder.appendingPathComponent("model.c"), encoding: .utf8)
    let command = try Self.compilerLine(source)
    let result = try Command.run("/bin/sh", ["-c", command], in: folder.path)
    try #require(result.status == 0, "\(command)\n\(result.errors)")
    #expect(result.errors == "")
    let rebuilt = try ModelLibrary(path: folder.appendingPathComponent("libmakemoe.so").path)
    let losses = try [rebuilt, ModelLibrary(path: example.library)].map(Self.loss)
    #expect(losses[0] == losses[1])
    #expect(losses[0].isFinite)
  }

  private static func loss(of library: ModelLibrary) throws -> Float {
    let model = try Model(library)
    model.initialize(seed: 5)
    let count = library.manifest.batch * library.manifest.context
    let tokens = (0..<count).map { Int32($0 * 31 % library.manifest.vocabulary) }
    return try model.gradients(tokens: tokens, targets: tokens.reversed(), seed: 9)
  }
}
