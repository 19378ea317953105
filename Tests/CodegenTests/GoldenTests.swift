import CompiledModels
import Foundation
import ModelFixtures
import ModelRuntime
import Testing

/// What is checked in, and what a reader of it can do without moec.
@Suite struct GoldenTests {
  static let isRecording = ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil
  static let command = "MOEC_RECORD=1 swift test --filter GoldenTests"

  @Test("Generated/makemoe is what the compiler writes for Examples/makemoe.swift")
  func makemoe() throws {
    let golden = Moec.repository.appendingPathComponent("Generated/makemoe")
    let fresh = try Moec.makemoe().generated
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

  @Test("The line at the head of model.c rebuilds the library without moec")
  func rebuild() throws {
    let example = try Moec.makemoe()
    let folder = URL(fileURLWithPath: try ModelFixture.folder()).appendingPathComponent("copy")
    try FileManager.default.copyItem(at: example.generated, to: folder)
    let source = try String(
      contentsOf: folder.appendingPathComponent("model.c"), encoding: .utf8)
    let lines = source.split(separator: "\n").prefix(20).map(String.init)
    let line = try #require(lines.first { $0.contains(" -o libmakemoe.so") })
    let command = try Self.adapted(String(line.drop { $0 == "/" || $0 == " " }))
    let result = try Command.run("/bin/sh", ["-c", command], in: folder.path)
    try #require(result.status == 0, "\(command)\n\(result.errors)")
    #expect(result.errors == "")
    let rebuilt = try ModelLibrary(path: folder.appendingPathComponent("libmakemoe.so").path)
    let losses = try [rebuilt, ModelLibrary(path: example.library)].map(Self.loss)
    #expect(losses[0] == losses[1])
    #expect(losses[0].isFinite)
  }

  /// The line as it is, but for the compiler: `clang` may be another one here, without OpenMP.
  /// All other words stay, unless the compiler that is here has none of OpenMP.
  private static func adapted(_ line: String) throws -> String {
    try #require(line.hasPrefix("clang "))
    let compiler = try CompiledModel.compiler()
    let rest = line.dropFirst("clang".count)
    guard let flags = compiler.openMPFlags else {
      return compiler.path + rest.replacing(" -fopenmp", with: " -Wno-unknown-pragmas")
    }
    return compiler.path + rest.replacing(" -fopenmp", with: " " + flags.joined(separator: " "))
  }

  private static func loss(of library: ModelLibrary) throws -> Float {
    let model = try Model(library)
    model.initialize(seed: 5)
    let count = library.manifest.batch * library.manifest.context
    let tokens = (0..<count).map { Int32($0 * 31 % library.manifest.vocabulary) }
    return try model.gradients(tokens: tokens, targets: tokens.reversed(), seed: 9)
  }
}
