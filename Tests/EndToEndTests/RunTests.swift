import CompiledModels
import Foundation
import ModelFixtures
import ModelRuntime
import Runner
import Testing

/// A compiled model trained, saved, evaluated and made to write, all by the command.
@Suite struct RunTests {
  @Test("Trains 30 steps, saves, and writes text from what was saved")
  func trainSaveGenerate() throws {
    let folder = try SmallModelFile.compiled()
    let weights = try ModelFixture.folder() + "/w.safetensors"
    let train = try Moec.run(
      ["run", "libsmall.so", "--train", "--data", "text.txt", "--steps", "30"]
        + ["--eval-interval", "29", "--eval-batches", "4", "--save", weights], in: folder)
    try #require(train.status == 0, "\(train.errors)")
    let losses = train.output.matches(of: /val loss (\d+\.\d+)/).compactMap { Double($0.output.1) }
    try #require(losses.count == 2)
    #expect(losses[1] < losses[0] - 0.5)
    let generate = try Moec.run(
      ["run", "libsmall.so", "--generate", "--weights", weights, "--tokens", "40"]
        + ["--prompt", "the "], in: folder)
    #expect(generate.status == 0)
    #expect(generate.output.count == 4 + 40 + 1)
    #expect(Set(generate.output).isSubset(of: Set(SmallModelFile.text)))
    let evaluate = try Moec.run(
      ["run", "libsmall.so", "--evaluate", "--weights", weights, "--data", "text.txt"]
        + ["--eval-batches", "4"], in: folder)
    #expect(evaluate.status == 0)
    #expect(evaluate.output.contains("val loss"))
  }

  @Test("14: a corpus has its sorted distinct characters; its first nine tenths are for training")
  func fact14() throws {
    let library = try ModelLibrary(path: SmallModelFile.compiled() + "/libsmall.so")
    let path = try SmallModelFile.compiled() + "/text.txt"
    let corpus = try Corpus(path: path, manifest: library.manifest)
    let sorted = Set(SmallModelFile.text.unicodeScalars).sorted { $0.value < $1.value }
    let count = SmallModelFile.text.unicodeScalars.count
    let expected = SmallModelFile.text.unicodeScalars.compactMap { scalar in
      sorted.firstIndex(of: scalar).map { Int32($0) }
    }
    #expect(Array(corpus.training) == Array(expected[..<(count * 9 / 10)]))
    #expect(Array(corpus.validation) == Array(expected[(count * 9 / 10)...]))
    // Windows start in 0 ..< length - T, at either end too.
    let text = (0..<12).map { Int32($0) }
    var stream = RandomStream(seed: 1, .trainingBatch)
    let batch = Batch(from: text, count: 200, context: 8, using: &stream)
    let starts = stride(from: 0, to: batch.tokens.count, by: 8).map { batch.tokens[$0] }
    #expect(Set(starts) == [0, 1, 2, 3])
    #expect(batch.targets == batch.tokens.map { $0 + 1 })
  }

  @Test("15: evaluation is before the step: step 0 says what the fresh model does")
  func fact15() throws {
    let folder = try SmallModelFile.compiled()
    let common = ["--data", "text.txt", "--eval-batches", "3", "--seed", "9"]
    let train = try Moec.run(
      ["run", "libsmall.so", "--train", "--steps", "2"] + common, in: folder)
    let fresh = try Moec.run(["run", "libsmall.so", "--evaluate"] + common, in: folder)
    let first = try #require(train.output.split(separator: "\n").first)
    let evaluation = try #require(fresh.output.split(separator: "\n").first)
    #expect(first == "step 0: " + evaluation)
    #expect(TrainingSettings().evaluationBatches == 400)
  }

  @Test("16: generation starts from token 0 and sees the last T tokens at positions from 0")
  func fact16() throws {
    let folder = try SmallModelFile.compiled()
    let result = try Moec.run(
      ["run", "libsmall.so", "--generate", "--data", "text.txt", "--tokens", "30", "--seed", "4"]
        + ["--temperature", "0"], in: folder)
    try #require(result.status == 0, "\(result.errors)")
    let library = try ModelLibrary(path: "\(folder)/libsmall.so")
    let model = try Model(library)
    model.initialize(seed: RandomStream.seed(4, .initialization))
    let vocabulary = Vocabulary(of: Array(SmallModelFile.text.unicodeScalars))
    var tokens: [Int32] = [0]
    for _ in 0..<30 {
      let logits = try model.logits(tokens: tokens.suffix(8), seed: 1).suffix(30)
      let used = Array(logits.prefix(vocabulary.count))
      let likeliest = used.indices.max { (used[$0], $1) < (used[$1], $0) }
      tokens.append(Int32(try #require(likeliest)))
    }
    #expect(result.output == vocabulary.decode(Array(tokens.dropFirst())) + "\n")
  }

  @Test("A library that is no model of moec's is refused")
  func noModel() throws {
    let folder = try SmallModelFile.compiled()
    let path = try ModelFixture.folder() + "/plain.so"
    let source = try ModelFixture.folder() + "/plain.c"
    try Data("int answer(void) { return 42; }\n".utf8).write(to: URL(fileURLWithPath: source))
    let compiler = try CompiledModel.compiler()
    let built = try Command.run(
      "/usr/bin/env", [compiler.path, "-shared", "-fPIC", "-o", path, source])
    try #require(built.status == 0)
    for library in [path, "model.swift", "none.so"] {
      let result = try Moec.run(["run", library, "--evaluate", "--data", "text.txt"], in: folder)
      #expect(result.status == 1)
      #expect(result.errors.hasPrefix("error: "))
      #expect(result.output.isEmpty)
    }
  }

  static let corpus = ProcessInfo.processInfo.environment["MOEC_REFERENCE_CORPUS"]

  @Test(
    "The reference corpus after 100 steps: within 0.12 of the published validation loss",
    .enabled(if: corpus != nil, "MOEC_REFERENCE_CORPUS does not name the reference corpus"))
  func referenceCurve() throws {
    let path = try #require(Self.corpus)
    let result = try Moec.run([
      "run", try Moec.makemoe().library, "--train", "--steps", "101", "--eval-interval", "100",
      "--eval-batches", "25", "--data", path,
    ])
    try #require(result.status == 0, "\(result.errors)")
    let losses = result.output.matches(of: /val loss (\d+\.\d+)/).compactMap { Double($0.output.1) }
    try #require(losses.count == 2)
    #expect(abs(losses[1] - 2.7429) < 0.12)
    #expect(losses[0] > 4.8 && losses[0] < 5.8)
  }
}
