import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// Averaged weights: `--ema`.
@Suite struct WeightAverageTests {
  private func settings(_ steps: Int, ema: Float? = 0.75) -> TrainingSettings {
    var settings = TrainingSettings()
    settings.steps = steps
    settings.evaluationInterval = 4
    settings.evaluationBatches = 2
    settings.ema = ema
    return settings
  }

  private func values(_ model: Model) throws -> [Float] {
    try model.manifest.parameters.indices.flatMap { try model.read(.value, $0) }
  }

  @Test func isAPlainComputationOverTheSteps() throws {
    let session = try sampleSession()
    var loop = TrainingLoop(
      model: session.model, corpus: try #require(session.corpus), settings: settings(6), seed: 1)
    let average = try WeightAverage(of: session.model, goingOnFrom: nil, decay: 0.75)
    loop.average = average
    var expected = try values(session.model).map(Double.init)
    for step in 0..<6 {
      _ = try loop.train(step)
      expected = zip(expected, try values(session.model)).map { 0.75 * $0 + 0.25 * Double($1) }
      for (found, wanted) in zip(try values(average.model), expected) {
        #expect(abs(Double(found) - wanted) < 1e-6)
      }
    }
    #expect(try values(average.model) != values(session.model))
  }

  @Test func changesNothingOfWhatIsLearnt() throws {
    let states = try ([nil, 0.75] as [Float?]).map { ema in
      let session = try sampleSession()
      try session.train(settings(10, ema: ema)) { _ in }
      return try state(session.model)
    }
    #expect(states[0] == states[1])
  }

  /// The file of averages alone evaluates to what the run said of them, and writes text.
  @Test func isEvaluatedLoggedAndSaved() throws {
    let folder = try ModelFixture.folder()
    var files = TrainingFiles()
    (files.save, files.log) = (folder + "/w.safetensors", folder + "/l.jsonl")
    var lines: [String] = []
    let session = try sampleSession()
    try session.train(settings(9), files: files) { lines.append($0) }
    #expect(lines.count == 3)
    let log = try String(contentsOfFile: folder + "/l.jsonl", encoding: .utf8)
    let logged = log.matches(of: /"ema_val_loss":([0-9.]+)/).compactMap { Double($0.1) }
    #expect(logged.count == 3)
    for (line, loss) in zip(lines, logged) {
      #expect(line.hasSuffix(", ema val loss \(fourDecimals(loss))"), "\(line)")
    }
    let plain = log.matches(of: /"val_loss":([0-9.]+)/).compactMap { Double($0.1) }
    #expect(logged[0] == plain[0] && logged[1] != plain[1], "the same batches")

    let path = folder + "/w.ema.safetensors"
    let file = try Checkpoint(path: path, contents: .weights, manifest: session.model.manifest)
    #expect(file.notes.step == 9 && !file.notes.vocabulary.isEmpty && file.notes.run == nil)
    #expect(try Set(Safetensors(path: path).tensors.map(\.name)) == ["token", "expert.weight"])
    let written = try Command.moec([
      "run", try ModelFixture.bigram(), "--generate", "--weights", path, "--tokens", "9",
    ])
    #expect(written.status == 0 && written.output.count == 10, "\(written.errors)")
    // What follows the last evaluation is in it too.
    let again = try sampleSession(parameters: .checkpoint(folder + "/w.safetensors"))
    #expect(
      try values(sampleSession(parameters: .weights(path)).model)
        == values(#require(again.average)))
  }

  @Test func aResumedRunEndsInTheSameBits() throws {
    let folder = try ModelFixture.folder()
    func files(_ name: String) -> TrainingFiles {
      var files = TrainingFiles()
      (files.save, files.log) = ("\(folder)/\(name)", "\(folder)/\(name).jsonl")
      return files
    }
    try sampleSession().train(settings(14), files: files("whole")) { _ in }
    try sampleSession().train(settings(7), files: files("part")) { _ in }
    var session = try sampleSession(parameters: .checkpoint("\(folder)/part"))
    #expect(session.usualSettings.ema == 0.75)
    var more = session.usualSettings
    more.steps = 11
    try session.train(more, files: files("part")) { _ in }
    session = try sampleSession(parameters: .checkpoint("\(folder)/part"))
    more.steps = 14
    try session.train(more, files: files("part")) { _ in }
    for ending in ["", ".ema"] {
      let bytes = try ["whole", "part"].map { try tensorBytes("\(folder)/\($0)\(ending)") }
      #expect(bytes[0] == bytes[1], "\(ending)")
    }
  }

  /// A run that did not average begins with its weights; one that did goes on without.
  @Test func beginsAndEndsInTheMiddle() throws {
    let path = try ModelFixture.folder() + "/w"
    var files = TrainingFiles()
    files.save = path
    try sampleSession().train(settings(4, ema: nil), files: files) { _ in }
    #expect(!FileManager.default.fileExists(atPath: path + ".ema"))
    let session = try sampleSession(parameters: .checkpoint(path))
    #expect(session.average == nil)
    try session.train(settings(5), files: files) { _ in }
    #expect(try sampleSession(parameters: .checkpoint(path)).average != nil)
    #expect(try sampleSession(parameters: .weights(path)).average == nil)
  }

  @Test func zeroLeavesOutWhatARunHad() throws {
    let (library, folder) = (try ModelFixture.bigram(), try ModelFixture.folder())
    let (path, text) = ("\(folder)/w.safetensors", try fileWith(sampleText()))
    func train(_ options: [String]) throws -> String {
      let common = ["run", library, "--train", "--data", text, "--eval-batches", "1"]
      let result = try Command.moec(common + ["--save", path] + options)
      #expect(result.status == 0, "\(result.errors)")
      return result.output + result.errors
    }
    #expect(try train(["--steps", "2", "--ema", "0.9", "--clip", "1"]).contains("ema val loss"))
    let more = try train(["--steps", "4", "--resume", path, "--ema", "0", "--clip", "0"])
    #expect(!more.contains("ema val loss"))
    #expect(try sampleSession(parameters: .checkpoint(path)).usualSettings.clip == nil)
  }

  @Test func aFileThatLacksSomeAveragesIsRefused() throws {
    let path = try ModelFixture.folder() + "/w"
    let model = try sampleSession().model
    let outputs = try Safetensors.Output.all(of: model, average: "token")
    try Safetensors.write(
      outputs, metadata: ["format": "moec", "format_version": "1", "step": "1"],
      to: path)
    let error = #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: path, contents: .training, manifest: model.manifest)
    }
    #expect(error?.problems == [.unexpected(name: "ema.token")])
  }

  @Test(arguments: ["1", "-0.5", "1.5", "nan"])
  func otherSharesAreWrongUsage(_ share: String) throws {
    let result = try Command.moec([
      "run", try ModelFixture.bigram(), "--train", "--ema", share,
    ])
    #expect(result.status == 64)
    #expect(
      result.errors.contains("--ema must be above 0 and below 1, or 0 for none, not "),
      "\(result.errors)")
  }

  @Test func saysThatALibraryCannot() throws {
    let session = try sampleSession(library: ModelFixture.broken("basic"))
    #expect(throws: ModelError.lacks(.average)) { try session.train(settings(2)) { _ in } }
  }

  /// An earlier run's averages are not to be lost, nor to be what a run reads.
  @Test func earlierAveragesAreKept() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    func train(_ options: String) throws -> Command {
      try Command.shell(
        "exec \"$0\" run \"$1\" --train --data \"$2\" --steps 3 --eval-batches 1 --ema 0.9 \(options)",
        [try ModelFixture.bigram(), text], in: folder)
    }
    #expect(try train("--save w").status == 0)
    let weights = try train("--save w --weights w.ema --overwrite")
    #expect(weights.errors.contains("the average of --save"), "\(weights.errors)")
    try FileManager.default.removeItem(atPath: folder + "/w")
    try FileManager.default.removeItem(atPath: folder + "/w.best")
    let again = try train("--save w")
    #expect(again.errors.contains("w.ema is there already"), "\(again.errors)")
    #expect(try train("--save w --overwrite").status == 0)
  }
}

extension Safetensors.Output {
  /// All that a checkpoint has, and the average of one parameter.
  fileprivate static func all(of model: Model, average: String) throws -> [Safetensors.Output] {
    let kinds: [(Model.Kind, String)] = [
      (.value, ""), (.firstMoment, "adam_m."), (.secondMoment, "adam_v."), (.stepCounts, "adam_t."),
    ]
    var outputs: [Safetensors.Output] = []
    for (index, parameter) in model.manifest.parameters.enumerated() {
      for (kind, prefix) in kinds {
        let shape = kind == .stepCounts ? [parameter.steps] : parameter.shape
        outputs.append(
          .init(name: prefix + parameter.name, shape: shape) { try model.read(kind, index) })
      }
      if parameter.name == average {
        outputs.append(
          .init(name: "ema." + average, shape: parameter.shape) { try model.read(.value, index) })
      }
    }
    return outputs
  }
}
