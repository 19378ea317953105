import CompiledModels
import Exchange
import Foundation
import HuggingFace
import ModelFixtures
import Testing

/// `moec import` and `moec export`.
@Suite(.serialized) struct CommandTests {
  /// The small Llama, imported and compiled once.
  private struct Imported {
    var folder: String
    var library: String
    var output: String
  }

  private static let imported = Result {
    let folder = try ModelFixture.folder() + "/small"
    let source = try Folder("llama").path
    let command = try Moec.run(["import", source, "-o", folder, "--context", "9", "--batch", "2"])
    guard command.status == 0 else { throw FixtureFailure(text: command.errors) }
    let library = try Moec.compile(folder + "/model.swift", isQuick: true).library
    return Imported(folder: folder, library: library, output: command.output)
  }

  struct FixtureFailure: Error { var text: String }

  @Test func aModelIsWrittenThatIsClean() throws {
    let imported = try Self.imported.get()
    #expect(imported.output.contains("llama, 2 layers, "), "\(imported.output)")
    #expect(
      imported.output.contains("wrote \(imported.folder): model.swift, weights.safetensors\n"))
    let check = try Moec.run(["check", imported.folder + "/model.swift"])
    #expect(check.status == 0, "\(check.errors)")
    let text = try String(contentsOfFile: imported.folder + "/model.swift", encoding: .utf8)
    #expect(text.hasPrefix("import MoE\n"))
    for line in text.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
  }

  @Test func nothingIsReplacedUnasked() throws {
    let imported = try Self.imported.get()
    let source = try Folder("llama").path
    let again = try Moec.run(["import", source, "-o", imported.folder])
    #expect(again.status == 1)
    #expect(again.errors.contains("model.swift is there already"), "\(again.errors)")
    let copy = try Folder.copy("llama")
    let same = try Moec.run(["import", copy, "-o", copy, "--overwrite"])
    #expect(same.status == 0, "\(same.errors)")
    let kept = try Folder.tensors([copy + "/model.safetensors"]).keys
    #expect(kept.contains("model.norm.weight"))
  }

  @Test func whatWasImportedIsExported() throws {
    let imported = try Self.imported.get()
    let back = try ModelFixture.folder() + "/back"
    let arguments = [
      "export", imported.library, "--weights", imported.folder + "/weights.safetensors", "-o", back,
    ]
    let command = try Moec.run(arguments)
    #expect(command.status == 0, "\(command.errors)")
    #expect(command.output == "wrote \(back): llama, config.json, model.safetensors\n")
    let found = try Folder.tensors([back + "/model.safetensors"])
    let expected = try Folder("llama").tensors()
    #expect(found.keys.sorted() == expected.keys.sorted())
    for (name, tensor) in found { #expect(tensor.numbers == expected[name]?.numbers, "\(name)") }
    let again = try Moec.run(arguments)
    #expect(again.status == 1 && again.errors.contains("is there already"), "\(again.errors)")
  }

  /// The model's own file says 7 layers: the library that was made of it has 2.
  @Test func whatWasSetIsExported() throws {
    let imported = try Self.imported.get()
    let folder = try ModelFixture.folder()
    let text = try String(contentsOfFile: imported.folder + "/model.swift", encoding: .utf8)
    let changed = text.replacing("depth = 2", with: #"depth = Setting("depth", 7, in: 1...9)"#)
    #expect(changed != text)
    try changed.write(toFile: folder + "/model.swift", atomically: true, encoding: .utf8)
    let library = folder + "/lib.so"
    let compiled = try Moec.run(
      [
        "compile", folder + "/model.swift", "-o", library, "--set", "depth=2", "--quiet",
        "--generated", folder + "/c",
      ])
    #expect(compiled.status == 0, "\(compiled.errors)")
    let weights = imported.folder + "/weights.safetensors"
    let command = try Moec.run(
      ["export", library, "--weights", weights, "-o", folder + "/back"])
    #expect(command.status == 0, "\(command.errors)")
  }

  @Test func whatIsNoArchitectureIsRefused() throws {
    let other = try Moec.makemoe().library
    let imported = try Self.imported.get()
    let weights = imported.folder + "/weights.safetensors"
    let back = try ModelFixture.folder() + "/back"
    let foreign = try Moec.run(["export", other, "--weights", weights, "-o", back])
    #expect(foreign.status == 1)
    #expect(
      foreign.errors.contains("error: makemoe is no model that transformers has:"),
      "\(foreign.errors)")

    let folder = try ModelFixture.folder()
    let text = try String(contentsOfFile: imported.folder + "/model.swift", encoding: .utf8)
    let changed = text.replacing("k.rotary(base: base)", with: "k.rotary(base: 7)")
    #expect(changed != text)
    try changed.write(toFile: folder + "/model.swift", atomically: true, encoding: .utf8)
    let library = try Moec.compile(folder + "/model.swift", isQuick: true).library
    let close = try Moec.run(["export", library, "--weights", weights, "-o", back])
    #expect(close.status == 1)
    #expect(
      close.errors.contains(/as llama, model\.swift:\d+: rotary \{.*base 7.*where it would be/),
      "\(close.errors)")
    #expect(!FileManager.default.fileExists(atPath: back))
  }
}
