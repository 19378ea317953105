import CompiledModels
import Exchange
import Foundation
import ModelFixtures
import Testing

/// `moec import --experts` and `moec weights upcycle`.
@Suite(.serialized) struct UpcycleCommandTests {
  /// The small Llama as a dense model and as a mixture, compiled once.
  private struct Made {
    var dense: String
    var mixture: String
    var library: String
    var command: Command
  }

  private static let made = Result {
    let source = try Folder("llama").path
    let dense = try ModelFixture.folder() + "/dense"
    _ = try Moec.run(["import", source, "-o", dense, "--context", "9", "--batch", "2"])
    let mixture = try ModelFixture.folder() + "/mixture"
    let command = try Moec.run([
      "import", source, "-o", mixture, "--context", "9", "--batch", "2", "--experts", "8",
      "--chosen", "4", "--every", "2", "--granularity", "2", "--seed", "5",
    ])
    guard command.status == 0 else { throw CommandTests.FixtureFailure(text: command.errors) }
    let library = try Moec.compile(mixture + "/model.swift", isQuick: true).library
    return Made(dense: dense, mixture: mixture, library: library, command: command)
  }

  @Test func aMixtureIsWrittenThatIsClean() throws {
    let made = try Self.made.get()
    #expect(
      made.command.output.contains(/llama, 2 layers, [\d,]+ parameters, as a mixture [\d,]+\n/),
      "\(made.command.output)")
    #expect(
      made.command.errors.contains(
        "block.1.mixture: 4 of 8 experts, 4 copies of 2 slices; scaled by 2\n"
          + "router: drawn with a deviation of 0.02 by seed 5\n"), "\(made.command.errors)")
    let check = try Moec.run(["check", made.mixture + "/model.swift"])
    let warnings = check.errors.split(separator: "\n").filter { $0.contains("warning:") }
    #expect(check.status == 0 && warnings.allSatisfy { $0.contains("[evaluation-cost]") })
    let text = try String(contentsOfFile: made.mixture + "/model.swift", encoding: .utf8)
    for line in text.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
    let other = try ModelFixture.folder() + "/plain"
    _ = try Moec.run([
      "import", try Folder("gpt2").path, "-o", other, "--experts", "4", "--every", "2",
    ])
    let plain = try String(contentsOfFile: other + "/model.swift", encoding: .utf8)
    for line in plain.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
    let run = try Moec.run([
      "check", "--compiled", made.mixture + "/model.swift",
    ])
    #expect(run.status == 0, "\(run.errors)")
  }

  private func upcycle(_ options: [String] = [], dense: String? = nil, into: String? = nil) throws
    -> (command: Command, path: String)
  {
    let made = try Self.made.get()
    let path = try ModelFixture.folder() + "/w.safetensors"
    let command = try Moec.run(
      [
        "weights", "upcycle", dense ?? made.dense + "/weights.safetensors", "--into",
        into ?? made.library, "-o", path,
      ] + options)
    return (command, path)
  }

  @Test func bothCommandsMakeTheSame() throws {
    let made = try Self.made.get()
    let (command, path) = try upcycle(["--seed", "5", "--granularity", "2"])
    #expect(command.status == 0, "\(command.errors)")
    let found = try Folder.tensors([path])
    let expected = try Folder.tensors([made.mixture + "/weights.safetensors"])
    #expect(found.keys.sorted() == expected.keys.sorted())
    for (name, tensor) in found {
      #expect(tensor.shape == expected[name]?.shape && tensor.numbers == expected[name]?.numbers)
    }
    #expect(try Safetensors(path: path).metadata["model"] == "mixture")
    let again = try Moec.run([
      "weights", "upcycle", made.dense + "/weights.safetensors", "--into", made.library, "-o", path,
    ])
    #expect(again.status == 1 && again.errors.contains("is there already"), "\(again.errors)")
    let replaced = try Moec.run([
      "weights", "upcycle", made.dense + "/weights.safetensors", "--into", made.library, "-o", path,
      "--overwrite",
    ])
    #expect(replaced.status == 0, "\(replaced.errors)")
    #expect(try Folder.tensors([path])["block.1.mixture.router.weight"]?.numbers != nil)
  }

  /// Weights alone are taken of what training keeps, whatever the numbers are kept in.
  @Test func aCheckpointIsTakenToo() throws {
    let made = try Self.made.get()
    let source = try Safetensors(path: made.dense + "/weights.safetensors")
    let plain = source.tensors.map { tensor in
      Safetensors.Output(name: tensor.name, shape: tensor.shape) { try source.numbers(tensor) }
    }
    let moments = plain.map { tensor in
      Safetensors.Output(name: "adam_m." + tensor.name, shape: tensor.shape, parts: tensor.parts)
    }
    let path = try ModelFixture.folder() + "/checkpoint.safetensors"
    try Safetensors.write(
      plain + moments, metadata: ["vocabulary": "[\"a\",\"b\"]", "seed": "3"], to: path)
    let (command, output) = try upcycle(["--seed", "5"], dense: path)
    #expect(command.status == 0, "\(command.errors)")
    #expect(command.errors.contains("note: moments, step counts and averages are left out"))
    let metadata = try Safetensors(path: output).metadata
    #expect(metadata["vocabulary"] == "[\"a\",\"b\"]" && metadata["seed"] == nil)
    #expect(metadata["step"] == "0")
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let made = try Self.made.get()
    let dense = try Moec.compile(made.dense + "/model.swift", isQuick: true).library
    let (none, path) = try upcycle(into: dense)
    #expect(none.status == 1)
    #expect(none.errors.contains("error: dense routes nothing to experts: it is dense"))
    let (other, _) = try upcycle(into: try Moec.makemoe().library)
    #expect(other.errors.contains("does not become makemoe: "), "\(other.errors)")
    #expect(other.errors.contains("nothing was written"))
    let (number, _) = try upcycle(["--granularity", "3"])
    #expect(number.errors.contains("makes the granularity 2, not 3"), "\(number.errors)")
    let (usage, _) = try upcycle(["--noise", "-1"])
    #expect(usage.status == 64, "\(usage.errors)")
    #expect(!FileManager.default.fileExists(atPath: path))
    let idle = try Moec.run(["import", try Folder("llama").path, "-o", path, "--chosen", "2"])
    #expect(idle.status == 64 && idle.errors.contains("--chosen goes with --experts"))
    let wide = try Moec.run([
      "import", try Folder("mixtral").path, "-o", path, "--experts", "4",
    ])
    #expect(wide.status == 1 && wide.errors.contains("its layers have experts already"))
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func itTrains() throws {
    let made = try Self.made.get()
    let text = try ModelFixture.folder() + "/text.txt"
    try String(repeating: "abcdefghijklmnopqrs", count: 200)
      .write(toFile: text, atomically: true, encoding: .utf8)
    let folder = try ModelFixture.folder()
    let run = try Moec.run(
      [
        "run", made.library, "--train", "--weights", made.mixture + "/weights.safetensors",
        "--data", text, "--steps", "3", "--no-save", "--eval-batches", "1",
      ], in: folder)
    #expect(run.status == 0, "\(run.errors)")
  }
}
