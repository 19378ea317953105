import Testing

@testable import Runner

@Suite struct RandomStreamTests {
  /// A checkpoint holds a step and no random state: streams may never change.
  @Test func staysTheSame() {
    var stream = RandomStream(seed: 1337, .trainingBatch, index: 5)
    #expect((0..<3).map { _ in stream.next() } == Self.golden)
  }

  static let golden: [UInt64] = [
    14_100_411_558_708_715_995, 3_091_000_231_522_557_493, 12_579_456_870_100_703_862,
  ]

  @Test func differsByEveryPartOfItsKey() {
    let purposes: [RandomPurpose] = [
      .initialization, .trainingBatch, .trainingStep, .evaluationOfTraining,
      .evaluationOfValidation, .evaluationNoise, .generation, .generationNoise,
    ]
    var seen = Set<UInt64>()
    for seed: UInt64 in [0, 1, .max] {
      for purpose in purposes {
        for index in [0, 1, -1, 4999] {
          for part in [0, 1] {
            seen.insert(RandomStream.seed(seed, purpose, index: index, part: part))
          }
        }
      }
    }
    #expect(seen.count == 3 * 8 * 4 * 2)
  }

  @Test func drawsEveryNumberBelowABound() {
    var stream = RandomStream(seed: 2, .generation)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<7000 { counts[stream.next(below: 7)] += 1 }
    #expect(counts.allSatisfy { (850...1150).contains($0) })
  }

  @Test func drawsUnits() {
    var stream = RandomStream(seed: 3, .generation)
    let units = (0..<10_000).map { _ in stream.nextUnit() }
    #expect(units.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(units.reduce(0, +) / 10_000 - 0.5) < 0.02)
  }
}

@Suite struct BatchTests {
  @Test func windowsStartAnywhereAndTargetsAreShifted() {
    let text = (0..<11).map(Int32.init)
    var stream = RandomStream(seed: 4, .trainingBatch)
    var starts = Set<Int32>()
    for _ in 0..<100 {
      let batch = Batch(from: text, count: 3, context: 8, using: &stream)
      #expect(batch.tokens.count == 24)
      #expect(zip(batch.tokens, batch.targets).allSatisfy { $0 + 1 == $1 })
      for row in 0..<3 {
        let window = batch.tokens[row * 8..<row * 8 + 8]
        #expect(Array(window) == Array(window.first!...window.first! + 7))
        starts.insert(window.first!)
      }
    }
    #expect(starts == [0, 1, 2])
  }

  @Test func theShortestTextHasOneWindow() {
    var stream = RandomStream(seed: 5, .trainingBatch)
    let batch = Batch(from: [1, 2, 3], count: 2, context: 2, using: &stream)
    #expect(batch == Batch(tokens: [1, 2, 1, 2], targets: [2, 3, 2, 3]))
  }
}

extension Batch {
  init(tokens: [Int32], targets: [Int32]) {
    var stream = RandomStream(seed: 0, .trainingBatch)
    self.init(from: [0, 0], count: 0, context: 1, using: &stream)
    self.tokens = tokens
    self.targets = targets
  }
}
