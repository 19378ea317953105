import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// `moec run --choices` with the small Llama: what transformers makes of the same questions.
@Suite(.serialized) struct ChoiceTests {
  private struct Made {
    var folder: String
    var library: String
    var likelihoods: [[Double]]
  }

  private static let made = Result {
    let path = Moec.repository.appendingPathComponent("Tests/Fixtures/choices.json")
    let whole =
      try JSONSerialization.jsonObject(with: try Data(contentsOf: path)) as? [String: Any] ?? [:]
    let source = try Folder.copy("llama")
    let tokenizer = try JSONSerialization.data(withJSONObject: whole["tokenizer"] ?? [:])
    try tokenizer.write(to: URL(fileURLWithPath: source + "/tokenizer.json"))
    let folder = try ModelFixture.folder() + "/small"
    let context = "\(whole["context"] as? Int ?? 0)"
    let command = try Moec.run(["import", source, "-o", folder, "--context", context])
    try #require(command.status == 0, "\(command.errors)")
    let questions = try (whole["questions"] as? [Any] ?? []).map { question in
      String(decoding: try JSONSerialization.data(withJSONObject: question), as: UTF8.self) + "\n"
    }
    try questions.joined().write(
      toFile: folder + "/questions.jsonl", atomically: true, encoding: .utf8)
    return Made(
      folder: folder, library: try Moec.compile(folder + "/model.swift", isQuick: true).library,
      likelihoods: whole["likelihoods"] as? [[Double]] ?? [])
  }

  private struct Line: Decodable {
    var line: Int
    var answer: Int
    var choice: Int
    var choice_norm: Int
    var log_likelihood: [Double]
    var bytes: [Int]
  }

  private func run(_ options: [String], library: String? = nil) throws -> Command {
    let made = try Self.made.get()
    return try Moec.run(
      ["run", library ?? made.library, "--choices", "questions.jsonl"]
        + ["--weights", "weights.safetensors"] + options, in: made.folder)
  }

  private func lines(_ path: String) throws -> [Line] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  @Test("Likelihoods are transformers', and of every number of ranks", arguments: ["1", "3"])
  func sameLikelihoods(ranks: String) throws {
    let output = try ModelFixture.folder() + "/scores.jsonl"
    let result = try run(["--output", output, "--result-line", "--ranks", ranks])
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.errors.contains("note: 4 choices of 7 questions leave no room"), "\(result.errors)")
    let found = try lines(output)
    let expected = try Self.made.get().likelihoods
    #expect(found.count == expected.count && found.map(\.line) == Array(1...7))
    #expect(found.map(\.answer) == [1, 3, 2, 0, 1, 0, 1])
    var (right, byByte) = (0, 0)
    for (line, numbers) in zip(found, expected) {
      for (one, other) in zip(line.log_likelihood, numbers) { #expect(abs(one - other) < 2e-4) }
      #expect(line.log_likelihood.count == numbers.count)
      let best = numbers.firstIndex(of: numbers.max() ?? 0)
      #expect(line.choice == best)
      right += line.choice == line.answer ? 1 : 0
      let each = zip(numbers, line.bytes).map { $0 / Double($1) }
      #expect(line.choice_norm == each.firstIndex(of: each.max() ?? 0))
      byByte += line.choice_norm == line.answer ? 1 : 0
    }
    #expect(found[3].bytes == ["a digger".utf8.count, "a feeble".utf8.count])
    let shares = [right, byByte].map { String(format: "%.4f", Double($0) / 7) }
    #expect(result.output.hasPrefix("7 questions: acc \(shares[0]) ± 0."), "\(result.output)")
    #expect(
      result.output.hasSuffix("\nacc=\(shares[0])\nacc_norm=\(shares[1])\n"), "\(result.output)")
  }

  /// The library that infers runs whole texts; the numbers are the same.
  @Test func aLibraryThatInfersAnswersToo() throws {
    let made = try Self.made.get()
    let library = try Moec.compile(made.folder + "/model.swift", isQuick: true, infers: true)
      .library
    let all = try run([])
    let small = try run([], library: library)
    #expect(small.status == 0 && small.output == all.output, "\(small.errors)")
  }

  @Test func nothingIsReplacedUnasked() throws {
    let output = try ModelFixture.folder() + "/scores.jsonl"
    #expect(try run(["--output", output]).status == 0)
    let again = try run(["--output", output])
    #expect(again.status == 1 && again.errors.contains("scores.jsonl is there already"))
    #expect(try run(["--output", output, "--overwrite"]).status == 0)
    try "a letter".write(toFile: output, atomically: true, encoding: .utf8)
    let foreign = try run(["--output", output, "--overwrite"])
    #expect(foreign.status == 1 && foreign.errors.contains("not the scores of choices"))
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "a letter")
  }
}
