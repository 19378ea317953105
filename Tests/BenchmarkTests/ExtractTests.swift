import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Toolchain

@Suite struct ExtractTests {
  private func file(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func sourcesAreThoseOfTheGeneratedFolder() throws {
    let library = try TinyLibrary.path.get()
    let folder = URL(fileURLWithPath: library).deletingLastPathComponent().path
    let extracted = try ModelFixture.folder() + "/new"
    let result = try Command.moec(["inspect", library, "--extract", extracted])
    #expect(result.status == 0, "\(result.errors)")
    let paths = try FileManager.default.subpathsOfDirectory(atPath: extracted).sorted()
    let generated = folder + "/Generated/tiny"
    #expect(paths == (try FileManager.default.subpathsOfDirectory(atPath: generated)).sorted())
    #expect(paths.contains("model.swift") && paths.contains("kernels/adamw.h"))
    for path in paths where path != "kernels" {
      #expect(try file("\(extracted)/\(path)") == file("\(generated)/\(path)"), "\(path)")
    }
  }

  /// The same compiler makes the same library of them, byte for byte, and the cache knows that a
  /// changed text that is no C makes another.
  @Test func rebuildsToTheSameBytes() throws {
    let library = try TinyLibrary.path.get()
    let folder = try ModelFixture.folder()
    let sources = try EmbeddedSources(library: library)
    try sources.write(to: folder)
    let names = sources.files.map(\.path).filter { $0.hasSuffix(".c") }
    let compiler = try CCompilerSearch().choose().compiler
    let cache = ContentCache(folder: URL(fileURLWithPath: folder + "/cache"))
    func build(_ output: String) throws -> Data {
      let place = { URL(fileURLWithPath: folder + "/" + $0) }
      try compiler.compileLibrary(
        sources: names.map(place), otherInputs: [place("model.swift")], output: place(output),
        cache: cache)
      return try file(folder + "/" + output)
    }
    let whole = try file(library)
    #expect(try build("again.so") == whole)

    let line = try compiler.commandLine(sources: names, output: "by-hand.so")
    let byHand = try Command.run("/bin/sh", ["-c", line], in: folder)
    #expect(byHand.status == 0, "\(byHand.errors)")
    #expect(try file(folder + "/by-hand.so") == whole)

    try "// another model\n".write(
      toFile: folder + "/model.swift", atomically: true, encoding: .utf8)
    #expect(try build("changed.so") != whole)
    let changed = try EmbeddedSources(library: folder + "/changed.so")
    #expect(changed["model.swift"]?.text == "// another model\n")
  }

  @Test func saysWhatCannotBeExtracted() throws {
    let bigram = try ModelFixture.bigram()
    expectFailure(
      try Command.moec(["inspect", bigram, "--extract", "x"], in: ModelFixture.folder()),
      "does not carry its sources")
    expectFailure(
      try Command.moec(["inspect", "absent.so", "--extract", "x"]), "cannot read absent.so")
    let library = try TinyLibrary.path.get()
    expectFailure(
      try Command.moec(["inspect", library, "--extract", "/dev/null/x"]), "cannot make the folder")
  }
}
