import ModelFixtures
import Testing

@testable import ModelRuntime

@Suite struct ModelTests {
  private let tokens = (0..<32).map { Int32($0 % 12) }
  private let targets = (0..<32).map { Int32(($0 + 1) % 12) }

  private func model(_ path: String? = nil) throws -> Model {
    let model = try Model(ModelLibrary(path: path ?? ModelFixture.bigram()))
    model.initialize(seed: 1)
    return model
  }

  private func hyper(_ model: Model, seed: UInt64 = 3) -> Hyperparameters {
    Hyperparameters(model.manifest.defaults, seed: seed)
  }

  @Test func trains() throws {
    let model = try model()
    let first = try model.trainStep(tokens: tokens, targets: targets, with: hyper(model))
    for _ in 0..<50 {
      _ = try model.trainStep(tokens: tokens, targets: targets, with: hyper(model))
    }
    let last = try model.loss(tokens: tokens, targets: targets, seed: 4)
    #expect(last < first / 2)
    #expect(try model.read(.stepCounts, 0) == [51])
    #expect(try model.read(.stepCounts, 1) == [51, 51])
  }

  /// The gradient that a library reports is that of the loss it reports.
  @Test func gradientsAreThoseOfTheLoss() throws {
    let model = try model()
    _ = try model.gradients(tokens: tokens, targets: targets, seed: 5)
    let gradient = try model.read(.gradient, 1)
    #expect(gradient.contains { abs($0) > 1e-3 })
    let values = try model.read(.value, 1)
    for index in [0, 17, 71, 143] {
      var losses: [Float] = []
      for step: Float in [-1e-2, 1e-2] {
        var moved = values
        moved[index] += step
        try model.write(moved, .value, 1)
        losses.append(try model.loss(tokens: tokens, targets: targets, seed: 5))
      }
      let slope = (losses[1] - losses[0]) / 2e-2
      #expect(abs(slope - gradient[index]) < 1e-3)
    }
  }

  @Test func seedsMatter() throws {
    let model = try model()
    let losses = try [1, 2, 1].map { try model.loss(tokens: tokens, targets: targets, seed: $0) }
    #expect(losses[0] != losses[1])
    #expect(losses[0] == losses[2])
  }

  @Test func passesEveryHyperparameter() throws {
    let changes: [(inout Hyperparameters) -> Void] = [
      { _ in }, { $0.learningRate *= 2 }, { $0.beta1 = 0.5 }, { $0.beta2 = 0.5 },
      { $0.epsilon = 1 }, { $0.weightDecay = 0.9 }, { $0.seed = 77 },
    ]
    var results = Set<[Float]>()
    for change in changes {
      let model = try model()
      var hyper = hyper(model)
      change(&hyper)
      for _ in 0..<2 { _ = try model.trainStep(tokens: tokens, targets: targets, with: hyper) }
      results.insert(try model.read(.value, 0))
    }
    #expect(results.count == changes.count)
  }

  @Test func readsWhatWasWritten() throws {
    let model = try model()
    for kind in Model.Kind.allCases {
      for index in 0..<2 {
        let numbers = (0..<model.count(kind, of: index)).map { Float($0) + Float(kind.rawValue) }
        try model.write(numbers, kind, index)
        #expect(try model.read(kind, index) == numbers)
      }
    }
  }

  @Test func refusesTokensOutsideTheVocabulary() throws {
    let model = try model()
    let reason = "a token is outside the vocabulary"
    for wrong: Int32 in [-1, 12, .max, .min] {
      var bad = tokens
      bad[31] = wrong
      #expect(throws: ModelError.failed(call: "loss", reason: reason)) {
        try model.loss(tokens: bad, targets: targets, seed: 1)
      }
      #expect(throws: ModelError.failed(call: "training step", reason: reason)) {
        try model.trainStep(tokens: tokens, targets: bad, with: hyper(model))
      }
      #expect(throws: ModelError.failed(call: "gradients", reason: reason)) {
        try model.gradients(tokens: bad, targets: targets, seed: 1)
      }
      #expect(throws: ModelError.failed(call: "logits", reason: reason)) {
        try model.logits(tokens: [0, wrong], seed: 1)
      }
    }
    // What an earlier call found wrong is no failure of this one.
    #expect(try model.loss(tokens: tokens, targets: targets, seed: 1).isFinite)
    #expect(try model.logits(tokens: [0], seed: 1).allSatisfy(\.isFinite))
  }

  @Test func numbersHaveTheirThousandsApart() {
    let error = ModelError.wrongCount(what: "tokens", expected: 32_768, found: 1_000)
    #expect(error.message == "tokens: 32,768 expected, 1,000 given")
    #expect(
      ModelError.noMemory(bytes: 189_713_792).message
        == "no memory for the model: it needs 189,713,792 bytes")
  }

  @Test func refusesWrongCounts() throws {
    let model = try model()
    #expect(throws: ModelError.wrongCount(what: "tokens", expected: 32, found: 31)) {
      try model.loss(tokens: Array(tokens.dropLast()), targets: targets, seed: 1)
    }
    #expect(throws: ModelError.wrongCount(what: "targets", expected: 32, found: 0)) {
      try model.trainStep(tokens: tokens, targets: [], with: hyper(model))
    }
    #expect(throws: ModelError.wrongCount(what: "token", expected: 72, found: 1)) {
      try model.write([1], .value, 0)
    }
    for count in [0, 9] {
      #expect(throws: ModelError.self) {
        try model.logits(tokens: [Int32](repeating: 0, count: count), seed: 1)
      }
    }
  }

  @Test func givesLogitsForEveryLength() throws {
    let model = try model()
    for length in 1...8 {
      let logits = try model.logits(tokens: Array(tokens[..<length]), seed: 1)
      #expect(logits.count == length * 12)
      #expect(logits.suffix(12).contains { $0 != 0 })
    }
  }

  @Test func refusesNoThreadsAndTooMany() throws {
    let model = try model()
    try model.setThreads(1)
    #expect(throws: ModelError.self) { try model.setThreads(0) }
    #expect(throws: ModelError.self) { try model.setThreads(1 << 40) }
  }

  /// NaN without a reason is a result: the model diverged, the call did not fail.
  @Test func returnsNaNThatIsNoError() throws {
    let model = try model(ModelFixture.broken("diverges"))
    for _ in 0..<3 { _ = try model.trainStep(tokens: tokens, targets: targets, with: hyper(model)) }
    #expect(try model.loss(tokens: tokens, targets: targets, seed: 1).isNaN)
  }

  @Test func saysThatThereIsNoMemory() throws {
    let library = try ModelLibrary(path: ModelFixture.broken("no-memory"))
    #expect(throws: ModelError.noMemory(bytes: 3500)) { try Model(library) }
  }
}
