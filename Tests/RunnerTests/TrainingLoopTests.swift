import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import SystemFiles
import Testing

@testable import Runner

@Suite struct TrainingLoopTests {
  private func settings(_ steps: Int, interval: Int = 100, batches: Int = 2) -> TrainingSettings {
    var settings = TrainingSettings()
    settings.steps = steps
    settings.evaluationInterval = interval
    settings.evaluationBatches = batches
    return settings
  }

  private func trained(_ settings: TrainingSettings, seed: UInt64 = 1) throws -> Session {
    let session = try sampleSession(seed: seed)
    try session.train(settings) { _ in }
    return session
  }

  @Test func hasTheUsualDefaults() {
    let usual = TrainingSettings()
    #expect(usual.steps == 5000)
    #expect(usual.evaluationInterval == 100)
    #expect(usual.evaluationBatches == 400)
    #expect(usual.learningRate == nil)
  }

  @Test(
    arguments: [
      (1, 100, [0]), (2, 100, [0, 1]), (101, 100, [0, 100]), (250, 100, [0, 100, 200, 249]),
      (3, 1, [0, 1, 2]),
    ])
  func evaluatesAtTheIntervalAndAtTheLast(steps: Int, interval: Int, at: [Int]) throws {
    let session = try sampleSession()
    var lines: [String] = []
    try session.train(settings(steps, interval: interval)) { lines.append($0) }
    #expect(lines.map { String($0.prefix { $0 != ":" }) } == at.map { "step \($0)" })
  }

  @Test func printsTheLine() throws {
    let evaluation = Evaluation(step: 100, trainLoss: 2.73514, validationLoss: 2.74289)
    #expect(evaluation.line == "train loss 2.7351, val loss 2.7429")
    var lines: [String] = []
    try sampleSession().train(settings(1)) { lines.append($0) }
    let pattern = /step 0: train loss \d\.\d{4}, val loss \d\.\d{4}/
    try #require(lines.count == 1)
    #expect(lines[0].wholeMatch(of: pattern) != nil)
  }

  @Test func learns() throws {
    let session = try sampleSession()
    let before = try session.evaluate(batches: 20)
    try session.train(settings(300)) { _ in }
    let after = try session.evaluate(batches: 20)
    #expect(after.trainLoss < before.trainLoss - 1)
    #expect(after.validationLoss < before.validationLoss - 1)
  }

  /// The first evaluation sees the parameters before any step.
  @Test func evaluatesBeforeTheStep() throws {
    let fresh = try sampleSession().evaluate(batches: 2)
    var first: String?
    try sampleSession().train(settings(1)) { first = first ?? $0 }
    #expect(first == "step 0: \(fresh.line)")
  }

  @Test func evaluationIsAMeanOverBothParts() throws {
    let session = try sampleSession()
    let corpus = try #require(session.corpus)
    var sums = [0.0, 0.0]
    for (part, split) in [Corpus.Split.training, .validation].enumerated() {
      let purpose = [RandomPurpose.evaluationOfTraining, .evaluationOfValidation][part]
      var stream = RandomStream(seed: 1, purpose, index: 0)
      for index in 0..<3 {
        let batch = Batch(from: corpus[split], count: 4, context: 8, using: &stream)
        let noise = RandomStream.seed(1, .evaluationNoise, index: 0, part: 2 * index + part)
        let loss = try session.model.loss(
          tokens: batch.tokens, targets: batch.targets, seed: noise)
        sums[part] += Double(loss)
      }
    }
    let evaluation = try session.evaluate(batches: 3)
    #expect(evaluation == Evaluation(step: 0, trainLoss: sums[0] / 3, validationLoss: sums[1] / 3))
    #expect(evaluation.trainLoss != evaluation.validationLoss)
  }

  @Test func doesNotDependOnHowItIsEvaluated() throws {
    let often = try trained(settings(40, interval: 3, batches: 5))
    let seldom = try trained(settings(40, interval: 1000, batches: 1))
    #expect(try state(often.model) == state(seldom.model))
  }

  /// Step `s` has the batch and the noise of `s`, whatever came before.
  @Test func everyStepHasItsOwnBatchAndNoise() throws {
    let session = try sampleSession()
    let text = try #require(session.corpus).training
    for step in 0..<3 {
      var stream = RandomStream(seed: 1, .trainingBatch, index: step)
      let batch = Batch(from: text, count: 4, context: 8, using: &stream)
      let noise = RandomStream.seed(1, .trainingStep, index: step)
      let hyper = Hyperparameters(session.model.manifest.defaults, seed: noise)
      _ = try session.model.trainStep(tokens: batch.tokens, targets: batch.targets, with: hyper)
    }
    #expect(try state(session.model) == state(trained(settings(3)).model))
  }

  @Test func dependsOnTheSeedAndTheLearningRate() throws {
    let usual = try state(trained(settings(5)).model)
    #expect(try state(trained(settings(5)).model) == usual)
    #expect(try state(trained(settings(5), seed: 2).model) != usual)
    var other = settings(5)
    other.learningRate = 0.02
    #expect(try state(trained(other).model) != usual)
    other.learningRate = 0.01
    #expect(try state(trained(other).model) == usual)
  }

  @Test func resumesBitForBit() throws {
    let folder = try ModelFixture.folder()
    var files = TrainingFiles()
    files.save = folder + "/whole"
    try sampleSession().train(settings(50), files: files) { _ in }
    files.save = folder + "/half"
    try sampleSession().train(settings(20), files: files) { _ in }
    let resumed = try sampleSession(seed: nil, parameters: .checkpoint(folder + "/half"))
    #expect(resumed.step == 20)
    try resumed.train(settings(50), files: files) { _ in }
    #expect(try tensorBytes(folder + "/whole") == tensorBytes(folder + "/half"))
  }

  @Test func aResumedRunKeepsItsSeedAndRate() throws {
    let folder = try ModelFixture.folder()
    var files = TrainingFiles()
    files.save = folder + "/a"
    var unusual = settings(2)
    unusual.learningRate = 0.1
    try sampleSession(seed: .max).train(unusual, files: files) { _ in }
    var options = Session.Options(library: try ModelFixture.bigram())
    options.data = try fileWith(sampleText())
    options.parameters = .checkpoint(folder + "/a")
    let session = try Session(options)
    #expect(session.seed == .max)
    #expect(session.learningRate == 0.1)
    options.parameters = .weights(folder + "/a")
    #expect(try Session(options).learningRate == nil)
  }

  @Test func refusesToResumeWhatIsDone() throws {
    let path = try ModelFixture.folder() + "/a"
    var files = TrainingFiles()
    files.save = path
    try sampleSession().train(settings(3), files: files) { _ in }
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let session = try sampleSession(parameters: .checkpoint(path))
    #expect(throws: TrainingError.nothingLeft(step: 3, steps: 3)) {
      try session.train(settings(3), files: files) { _ in }
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  /// Steps 0, 1 and 2 are fine; the loss of step 3 is not.
  @Test func stopsWhenItDivergesAndKeepsWhatWasSaved() throws {
    let path = try ModelFixture.folder() + "/a"
    let session = try sampleSession(library: ModelFixture.broken("diverges"))
    var files = TrainingFiles()
    files.save = path
    #expect(throws: TrainingError.diverged(step: 3, place: "expert")) {
      try session.train(settings(10, interval: 2), files: files) { _ in }
    }
    let saved = try Checkpoint(
      path: path, contents: .training, manifest: session.model.manifest)
    #expect(saved.notes.step == 2)
  }

  @Test func findsOutAtOnceThatItCannotSave() throws {
    let session = try sampleSession()
    var files = TrainingFiles()
    files.save = try ModelFixture.folder() + "/no/such/folder/a"
    var lines: [String] = []
    #expect(throws: FileError.self) {
      try session.train(settings(5), files: files) { lines.append($0) }
    }
    #expect(lines == [])
  }

  @Test func endsWhenItsListenerThrows() throws {
    struct Enough: Error {}
    let session = try sampleSession()
    #expect(throws: Enough.self) { try session.train(settings(5)) { _ in throw Enough() } }
    #expect(try session.model.read(.stepCounts, 0) == [0])
  }
}

@Suite struct TrainingLogTests {
  @Test func writesJSONLines() throws {
    let path = try ModelFixture.folder() + "/log.jsonl"
    var settings = TrainingSettings()
    settings.steps = 4
    settings.evaluationInterval = 2
    settings.evaluationBatches = 1
    var files = TrainingFiles()
    files.log = path
    var printed: [String] = []
    try sampleSession().train(settings, files: files) { printed.append($0) }
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let objects = try lines.map { line in
      try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Double])
    }
    #expect(objects.map { $0["step"] } == [0, 2, 3])
    #expect(objects.map { $0["tokens"] } == [0, 64, 96])
    for (object, line) in zip(objects, printed) {
      let train = try #require(object["train_loss"])
      let validation = try #require(object["val_loss"])
      let evaluation = Evaluation(
        step: Int(object["step"]!), trainLoss: train, validationLoss: validation)
      #expect(line == "step \(evaluation.step): \(evaluation.line)")
      #expect(try #require(object["seconds"]) >= 0)
      #expect(try #require(object["learning_rate"]) > 0)
    }
  }

  @Test func isEmptiedByANewRunAndAddedToByAResumedOne() throws {
    let path = try ModelFixture.folder() + "/log.jsonl"
    let evaluation = Evaluation(step: 1, trainLoss: 2, validationLoss: 3)
    for (last, times) in [(nil, ["0.500"]), (1, ["0.500", "1.000"]), (0, ["0.500"])] as [(Int?, _)]
    {
      try TrainingLog(path: path, keepingThrough: last)
        .write(evaluation, seconds: 0.5, tokens: 32)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let lines = times.map {
        #"{"step":1,"train_loss":2.0,"val_loss":3.0,"seconds":"# + $0 + #","tokens":32}"# + "\n"
      }
      #expect(text == lines.joined())
    }
  }

  @Test func saysThatTheDiskIsFull() throws {
    let log = try TrainingLog(path: "/dev/full", keepingThrough: 0)
    let error = #expect(throws: FileError.self) {
      try log.write(
        Evaluation(step: 1, trainLoss: 2, validationLoss: 3), seconds: 0, tokens: 0)
    }
    #expect(error?.isFull == true)
  }
}

@Suite struct NumbersTests {
  @Test func saysTimes() {
    #expect(
      [0, 59, 61, 3600 * 2 + 300, .infinity].map(duration)
        == ["0 s", "59 s", "1 min 1 s", "2 h 5 min", "long"])
  }

  @Test func saysBytes() {
    #expect([864, 143_944_720].map(megabytes) == ["864 bytes", "143.9 MB"])
  }
}
