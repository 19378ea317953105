import Testing

@testable import Interpreter

@Suite struct CounterRandomTests {
  /// The first outputs of splitmix64 for seed 0, as its authors publish them.
  @Test func keysAreThoseOfSplitMix() {
    #expect(CounterRandom.key(seed: 0, stream: 0) == 0xE220_A839_7B1D_CDAF)
    #expect(CounterRandom.key(seed: 0, stream: 1) == 0x6E78_9E6A_A1B9_65F4)
    #expect(CounterRandom.key(seed: 0, stream: 2) == 0x06C4_5D18_8009_454F)
    #expect(CounterRandom.key(seed: 0x9E37_79B9_7F4A_7C15, stream: 0) == 0x6E78_9E6A_A1B9_65F4)
  }

  @Test func bitsAreWhatTheyWere() {
    let key = CounterRandom.key(seed: 1337, stream: 3)
    let bits = [0, 1, 2, 3, UInt32.max].map { CounterRandom.bits(key, $0) }
    #expect(bits == [0x2CCF_D302, 0x4F8B_CC2F, 0xCE78_BA04, 0x717D_3858, 0xD5C6_9CBD])
    #expect(CounterRandom.uniform(key, 0) == 0.17504614591598511)
    #expect(abs(CounterRandom.normal(key, 0) + 0.69518234377190924) < 1e-15)
  }

  @Test func everyPartOfTheKeyMatters() {
    let key = CounterRandom.key(seed: 1, stream: 0)
    let plain = (0..<64).map { CounterRandom.bits(key, $0) }
    for bit in stride(from: 0, to: 64, by: 7) {
      #expect((0..<64).map { CounterRandom.bits(key ^ (1 << bit), $0) } != plain, "bit \(bit)")
    }
  }

  @Test func uniformNumbersAreUniform() {
    let key = CounterRandom.key(seed: 5, stream: 1)
    let numbers = (0..<40_000).map { CounterRandom.uniform(key, $0) }
    #expect(numbers.allSatisfy { $0 > 0 && $0 < 1 && Double(Float($0)) == $0 })
    let (mean, variance) = moments(numbers)
    #expect(abs(mean - 0.5) < 4 * (1.0 / 12 / 40_000).squareRoot())
    #expect(abs(variance - 1.0 / 12) < 0.001)
  }

  @Test func normalNumbersAreNormal() {
    let key = CounterRandom.key(seed: 5, stream: 2)
    let numbers = (0..<40_000).map { CounterRandom.normal(key, $0) }
    let (mean, variance) = moments(numbers)
    #expect(abs(mean) < 4 / 200)
    #expect(abs(variance - 1) < 4 * 2.0.squareRoot() / 200)
    let fourth = numbers.reduce(0) { $0 + $1 * $1 * $1 * $1 } / 40_000
    #expect(abs(fourth - 3) < 0.2)
    let neighbours = zip(numbers, numbers.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / 40_000
    #expect(abs(neighbours) < 4 / 200)
  }

  @Test(arguments: [0, 0.1, 0.5, 0.9])
  func dropoutKeepsItsShareAndTheMean(rate: Double) {
    let key = CounterRandom.key(seed: 8, stream: 4)
    let factors = (0..<40_000).map { CounterRandom.keep(key, $0, rate: rate) }
    #expect(factors.allSatisfy { $0 == 0 || $0 == 1 / (1 - rate) })
    let kept = Double(factors.filter { $0 != 0 }.count) / 40_000
    #expect(abs(kept - (1 - rate)) <= 4 * (rate * (1 - rate) / 40_000).squareRoot())
  }

  private func moments(_ numbers: [Double]) -> (mean: Double, variance: Double) {
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, squares / Double(numbers.count))
  }
}
