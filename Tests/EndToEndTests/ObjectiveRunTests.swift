import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// Terms of the objective and states, as a run prints, logs, saves and goes on with them.
@Suite struct ObjectiveRunTests {
  /// The small model whose experts are to share alike, by a term and by a state.
  private static let folder = Result {
    let source = SmallModelFile.source
      .replacing(
        "let routing = h.linear(\"gate\", E).top(2).softmax()",
        with: """
          let logits = h.linear("gate", E)
              let share = logits.softmax().mean(over: B, T)
              auxiliary("balance", weight: 0.1, (share * share).sum() * Double(E.size))
              let loads = state("loads", E, initial: 0.25)
              loads.update(to: loads.value * 0.9 + share * 0.1)
              let routing = (logits - loads.value).top(2).softmax()
          """)
    let folder = try SmallModelFile.folder(source)
    let result = try Moec.run(
      ["compile", "model.swift", "-o", "libsmall.so", "--accumulate"], in: folder)
    guard result.status == 0 else { throw EndToEndFailure(text: result.errors) }
    return folder
  }

  private func train(_ options: [String]) throws -> Command {
    let result = try Moec.run(
      ["run", "libsmall.so", "--train", "--data", "text.txt", "--eval-interval", "4"]
        + ["--eval-batches", "1"] + options, in: Self.folder.get())
    try #require(result.status == 0, "\(result.errors)")
    return result
  }

  private func fingerprint(_ output: String) throws -> String {
    String(try #require(output.firstMatch(of: /parameters after \d+ steps: [0-9a-f]+/)).output)
  }

  private func log(_ path: String) throws -> [[String: Any]] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test("A run prints terms on its lines and logs them by name", arguments: [1, 2])
  func terms(accumulation: Int) throws {
    let path = try ModelFixture.folder() + "/log.jsonl"
    let result = try train(["--steps", "9", "--log", path, "--accumulate", "\(accumulation)"])
    let lines = result.output.split(separator: "\n").filter { $0.hasPrefix("step ") }
    #expect(!lines[0].contains("terms"))
    #expect(lines.dropFirst().allSatisfy { $0.contains(/; terms: balance 1\.\d{4}; experts/) })
    let logged = try log(path).map { $0["terms"] as? [String: Double] }
    #expect(logged.count == 3 && logged[0] == nil)
    for terms in logged.dropFirst() {
      let terms = try #require(terms)
      #expect(Set(terms.keys) == ["block.0.balance", "block.1.balance"])
      // Of four experts: 1 is even, 4 all to one.
      #expect(terms.values.allSatisfy { (1...4).contains($0) })
    }
  }

  @Test("A resumed run ends with the same bits and logs the same terms")
  func resumed() throws {
    let folder = try ModelFixture.folder()
    let whole = try train(
      ["--steps", "9", "--log", folder + "/a.jsonl", "--save", folder + "/a.safetensors"])
    _ = try train([
      "--steps", "5", "--log", folder + "/b.jsonl", "--save", folder + "/b.safetensors",
    ])
    let rest = try train(
      ["--steps", "9", "--log", folder + "/b.jsonl", "--resume", folder + "/b.safetensors"]
        + ["--save", folder + "/b.safetensors"])
    #expect(try fingerprint(whole.output + whole.errors) == fingerprint(rest.output + rest.errors))
    let logs = try ["a", "b"].map {
      try log("\(folder)/\($0).jsonl").last?["terms"] as? [String: Double]
    }
    #expect(logs[0] != nil && logs[0] == logs[1])
    // The state is in the file by its name, with nothing of the optimizer's beside it.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/a.safetensors"))
    let header = String(decoding: bytes.prefix(20_000), as: UTF8.self)
    #expect(
      header.contains("\"block.1.loads\":") && header.contains("\"adam_m.block.1.gate.weight\":"))
    #expect(!header.contains("adam_m.block.1.loads"))
  }

  @Test("The summary names terms and states, and does not count these as learned")
  func summary() throws {
    let result = try Moec.run(["inspect", "libsmall.so", "--summary"], in: Self.folder.get())
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("objective: loss + 0.1 block.0.balance + 0.1 block.1.balance"))
    #expect(result.output.contains("states: block.0.loads, block.1.loads (8 numbers)"))
    let plain = try Moec.run(
      ["inspect", "libsmall.so", "--summary"], in: SmallModelFile.compiled())
    let count = /small: ([\d,]+) parameters/
    #expect(
      result.output.firstMatch(of: count)?.output.1 == plain.output.firstMatch(of: count)?.output.1)
  }

  @Test("check compares terms and states with the interpreter")
  func checked() throws {
    let result = try Moec.run(
      ["check", "model.swift", "--gradients", "--compiled"], in: Self.folder.get())
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }
}
