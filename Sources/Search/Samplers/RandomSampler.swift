/// Values drawn evenly, each in its dimension's own measure.
public final class RandomSampler: Sampler {
  private let space: SearchSpace
  private let seed: UInt64

  public init(_ space: SearchSpace, seed: UInt64) {
    self.space = space
    self.seed = seed
  }

  public func suggest(_ trial: Int, attempt: Int, for study: Study) -> TrialValues? {
    var numbers = MixedNumbers(seed, UInt64(trial), UInt64(attempt))
    return space.dimensions.reduce(into: [:]) { values, dimension in
      values[dimension.name] = dimension.value(at: numbers.next())
    }
  }
}

/// Numbers that are a function of three: SplitMix64 (Steele, Lea and Flood 2014).
struct MixedNumbers {
  private var state: UInt64

  init(_ first: UInt64, _ second: UInt64, _ third: UInt64) {
    state = first
    for number in [second, third] { state = Self.mix(state &+ 0x9e37_79b9_7f4a_7c15) ^ number }
  }

  /// From 0 up to 1.
  mutating func next() -> Double { Double(nextWord() >> 11) * 0x1p-53 }

  mutating func nextWord() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Self.mix(state)
  }

  private static func mix(_ word: UInt64) -> UInt64 {
    var z = word
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
