import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Runner
import Testing

/// A model's settings from `--set` to what is saved and tracked.
@Suite struct SettingRunTests {
  /// The small model with as many experts as somebody chooses.
  private static let source = SmallModelFile.source
    .replacing(
      "Axis(\"E\", 4)", with: "Axis(\"E\", Setting(\"experts\", 4, in: 2...64, help: \"in all\"))"
    )
    .replacing("top(2)", with: "top(Setting(\"chosen\", 2))")

  private static let folder = Result { try SmallModelFile.folder(source) }

  @Test("check lists settings with what they may be")
  func listed() throws {
    let list = try Moec.run(
      ["check", "model.swift", "--settings", "--set=chosen=3"], in: Self.folder.get())
    #expect(
      list.output == """
        setting  value  may be
        experts      4  a whole number from 2 to 64  in all
        chosen       3  any whole number, usually 2

        """, "\(list.errors)")
  }

  @Test(
    "A wrong name or value is an error that lists what there is",
    arguments: [
      (["--set", "expert=3"], "error: the model has no setting \"expert\""),
      (["--set", "experts=65"], "Setting: experts cannot be \"65\""),
      (
        ["--set", "experts=2; rm -rf /"], "Setting: experts is a whole number, not \"2; rm -rf /\""
      ),
    ])
  func wrong(words: [String], message: String) throws {
    let result = try Moec.run(["compile", "model.swift"] + words, in: Self.folder.get())
    #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
    #expect(result.errors.contains("a whole number from 2 to 64"), "\(result.errors)")
  }

  @Test(
    "A wrong form of --set is wrong usage",
    arguments: [
      (["--set", "experts"], "--set takes NAME=VALUE"),
      (["--set", "a=1", "--set=a=2"], "--set gives a twice"),
    ])
  func usage(words: [String], message: String) throws {
    let result = try Moec.run(["compile", "model.swift"] + words, in: Self.folder.get())
    #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
  }

  @Test("A library, its runs and their files know what was chosen")
  func known() throws {
    let folder = try Self.folder.get()
    let compiled = try Moec.run(
      ["compile", "model.swift", "-o", "lib.so", "--set", "experts=6", "--summary"], in: folder)
    #expect(compiled.output.contains("settings: experts 6, chosen 2"), "\(compiled.errors)")
    var options = Session.Options(library: folder + "/lib.so")
    options.data = folder + "/text.txt"
    let session = try Session(options)
    let manifest = session.model.manifest
    #expect(
      manifest.settings == [.init(name: "experts", value: "6"), .init(name: "chosen", value: "2")])
    #expect(manifest.axes["E"] == 6 && manifest.routers.first?.experts == 6)
    #expect(session.summary.contains("set     experts 6, chosen 2"))
    let told = session.parameters(TrainingSettings())
    #expect(told["setting/experts"] == "6" && told["setting/chosen"] == "2")
    try session.save(to: folder + "/w.safetensors", step: 0, TrainingSettings())
    let header = try Data(contentsOf: URL(fileURLWithPath: folder + "/w.safetensors"))
    #expect(
      String(decoding: header.prefix(20_000), as: UTF8.self)
        .contains("\"settings\":\"experts=6 chosen=2\""))
    let other = try Moec.run(["compile", "model.swift", "-o", "other.so"], in: folder)
    #expect(other.status == 0, "\(other.errors)")
    let failed = try Moec.run(
      ["run", "other.so", "--generate", "--weights", "w.safetensors"], in: folder)
    #expect(
      failed.errors.contains("its note 'settings' says experts=6, and the library has experts=4"),
      "\(failed.errors)")
  }
}
