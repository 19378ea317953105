import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Words

@testable import Runner

/// Clipping, accumulation, groups and patience.
@Suite struct TrainingOptionsTests {
  private func settings(_ steps: Int = 20) -> TrainingSettings {
    var settings = TrainingSettings()
    settings.steps = steps
    settings.evaluationBatches = 1
    settings.evaluationInterval = 5
    return settings
  }

  private func trained(
    library: String? = nil, _ change: (inout TrainingSettings) -> Void
  ) throws -> [[Float]] {
    var settings = settings()
    change(&settings)
    let session = try sampleSession(library: library)
    try session.train(settings) { _ in }
    return try state(session.model)
  }

  @Test func theUsualSettingsAreThoseOfThePlainStep() throws {
    let plain = try trained { _ in }
    #expect(try trained(library: ModelFixture.broken("basic")) { _ in } == plain)
    // A norm that is never reached clips nothing, and the two ways of making a step are one.
    #expect(try trained { $0.clip = 1e30 } == plain)
    #expect(try trained { $0.clip = 0.1 } != plain)
    #expect(try trained { $0.accumulation = 3 } != plain)
    #expect(try trained { $0.schedule = .init(.cosine) } != plain)
  }

  @Test func accumulatesTheMeanOfItsBatches() throws {
    let session = try sampleSession()
    let model = session.model
    let text = try #require(session.corpus).training
    var expected = [Float](repeating: 0, count: model.count(.gradient, of: 0))
    for part in 0..<3 {
      var stream = RandomStream(seed: 1, .trainingBatch, index: 0, part: part)
      let batch = Batch(from: text, count: 4, context: 8, using: &stream)
      let noise = RandomStream.seed(1, .trainingStep, index: 0, part: part)
      _ = try model.gradients(tokens: batch.tokens, targets: batch.targets, seed: noise)
      expected = try zip(expected, model.read(.gradient, 0)).map { $0 + $1 / 3 }
    }
    let other = try sampleSession()
    var settings = settings(1)
    settings.accumulation = 3
    try other.train(settings) { _ in }
    for (found, wanted) in zip(try other.model.read(.gradient, 0), expected) {
      #expect(abs(found - wanted) < 1e-6)
    }
  }

  @Test func logsTheMeanNormOfGradients() throws {
    func log(_ change: (inout TrainingSettings) -> Void) throws -> [[String: Any]] {
      var settings = settings(11)
      change(&settings)
      var files = TrainingFiles()
      let path = try ModelFixture.folder() + "/l.jsonl"
      files.log = path
      try sampleSession().train(settings, files: files) { _ in }
      return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }
    let session = try sampleSession()
    let corpus = try #require(session.corpus)
    var clipped = settings(11)
    clipped.clip = 0.1
    let loop = TrainingLoop(model: session.model, corpus: corpus, settings: clipped, seed: 1)
    let norms = try (0..<10).map { Double(try #require(try loop.train($0).gradientNorm)) }
    #expect(norms.allSatisfy { $0 > 0.1 }, "before clipping")

    let lines = try log { $0.clip = 0.1 }
    let logged = lines.map { $0["gradient_norm"] as? Double }
    try #require(logged.count == 3 && logged[0] == nil)
    for (found, wanted) in zip(logged.dropFirst(), [norms[..<5], norms[5...]]) {
      #expect(abs(try #require(found) - wanted.reduce(0, +) / 5) < 1e-5)
    }
    #expect(try log { $0.accumulation = 2 }.last?["gradient_norm"] != nil)
    #expect(try log { _ in }.allSatisfy { $0["gradient_norm"] == nil })
  }

  @Test func saysWhatALibraryLacks() throws {
    let library = try ModelFixture.broken("basic")
    #expect(throws: ModelError.lacks(.accumulate)) { try trained(library: library) { $0.clip = 1 } }
    #expect(throws: ModelError.lacks(.setDecay)) {
      try trained(library: library) { $0.noDecay = ["*"] }
    }
    #expect(
      ModelError.lacks(.accumulate).description
        == "the library has no moec_accumulate, which this needs "
        + "(compile the model again with this version of moec)")
  }

  @Test func decaysOnlyWhatIsNotNamed() throws {
    let plain = try trained { _ in }
    let free = try trained { $0.noDecay = ["tok*"] }
    #expect(free[0] != plain[0])
    let error = #expect(throws: EmptyGroupError.self) { try trained { $0.noDecay = ["norms"] } }
    #expect(error?.message == "--no-decay norms: the model has no such parameter")
  }

  @Test func knowsGroupsByWhatParametersAre() throws {
    let json = """
      {"abi":1,"name":"m","vocabulary":5,"context":4,"batch":2,
       "defaults":{"learning_rate":1,"beta1":0,"beta2":0,"epsilon":0,"weight_decay":0},
       "parameters":[
        {"name":"token.weight","shape":[5,3],"axes":["V","C"],"init":"normal(1.0)"},
        {"name":"norm.weight","shape":[3],"init":"ones"},{"name":"norm.bias","shape":[3]},
        {"name":"up.weight","shape":[2,6,3],"init":"normal(0.1)"},{"name":"up.bias","shape":[2,6]},
        {"name":"head.weight","shape":[5,3],"axes":["V","C"],"init":"kaimingNormal(3)"},
        {"name":"odd","shape":[3],"role":"embedding"}]}
      """
    let manifest = try Manifest.decode(json)
    let groups = ["norms", "biases", "embeddings", "*.weight", "u*.b*s"].map(ParameterGroup.init)
    #expect(
      groups.map { $0.members(in: manifest) } == [[1, 2], [4], [0, 6], [0, 1, 3, 5], [4]])
  }

  @Test(
    arguments: [
      ("abc", "abc", true), ("abc", "ab", false), ("abc", "*", true), ("abc", "a*c", true),
      ("ac", "a*c", true), ("a", "a*a", false), ("abcbd", "a*b*d", true), ("abd", "a*c*d", false),
    ])
  func matchesPatterns(text: String, pattern: String, isMatch: Bool) {
    #expect(ParameterPattern(pattern).fits(text) == isMatch)
  }

  /// With no learning rate to speak of nothing gets better, but evaluation draws other batches.
  @Test func losesPatience() throws {
    var settings = settings(10_000)
    settings.patience = 3
    settings.learningRate = 1e-12
    var files = TrainingFiles()
    files.save = try ModelFixture.folder() + "/a"
    let session = try sampleSession()
    let outcome = try session.train(settings, files: files) { _ in }
    guard case .outOfPatience(let step, let best) = outcome else {
      Issue.record("ended with \(outcome)")
      return
    }
    #expect(step == best.step + 3 * 5)
    let again = try sampleSession(parameters: .checkpoint(#require(files.save)))
    #expect(try again.train(settings, files: files) { _ in } == outcome)
  }

  @Test func keepsTheBestState() throws {
    let path = try ModelFixture.folder() + "/a.safetensors"
    var files = TrainingFiles()
    files.save = path
    var losses: [Double] = []
    let session = try sampleSession()
    try session.train(settings(60), files: files) { line in
      losses.append(Double(line.split(separator: " ").last ?? "") ?? .nan)
    }
    let best = try sampleSession(
      parameters: .checkpoint(path.replacing(".safetensors", with: ".best.safetensors")))
    #expect(
      fourDecimals(try #require(best.record?.progress.best).validationLoss)
        == fourDecimals(try #require(losses.min())))
  }
}
