/// What randomness is for. Each purpose draws from its own stream, so that one does not shift
/// another: how often a run is evaluated changes nothing in how it trains.
public enum RandomPurpose: UInt64, Sendable {
  case initialization = 1
  case trainingBatch
  case trainingStep
  case evaluationOfTraining
  case evaluationOfValidation
  case evaluationNoise
  case generation
  case generationNoise
  case epochOrder
}

/// Random numbers that are a function of (seed, purpose, index, position) alone.
///
/// Number `i` of a stream is `mix(key + (i + 1) · φ)`, with SplitMix64's mixing function and key =
/// the seed, the purpose and the index mixed in one after the other. There is no state to save: a
/// run that stops at step 300 and goes on draws what it would have drawn.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: UInt64
  private var position: UInt64 = 0
  static let golden: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// The seed of a run that is given none.
  public static let usualSeed: UInt64 = 1337

  public init(seed: UInt64, _ purpose: RandomPurpose, index: Int = 0, part: Int = 0) {
    var key = Self.mix(seed &+ Self.golden)
    for word in [
      purpose.rawValue, UInt64(truncatingIfNeeded: index), UInt64(truncatingIfNeeded: part),
    ] {
      key = Self.mix(key ^ Self.mix(word &+ Self.golden))
    }
    self.key = key
  }

  public mutating func next() -> UInt64 {
    position &+= 1
    return Self.mix(key &+ position &* Self.golden)
  }

  /// A whole number in 0 ..< `bound`, by the high half of a product; its bias is below 2^-32 for
  /// any text that fits in memory.
  public mutating func next(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number in 0 ..< 1, one of 2^53 equally spaced ones.
  public mutating func nextUnit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// The first number of a stream, for where a single one is wanted.
  public static func seed(
    _ seed: UInt64, _ purpose: RandomPurpose, index: Int = 0, part: Int = 0
  ) -> UInt64 {
    var stream = RandomStream(seed: seed, purpose, index: index, part: part)
    return stream.next()
  }

  /// SplitMix64's mixing function: one to one, and every bit of the result depends on all bits.
  static func mix(_ word: UInt64) -> UInt64 {
    var mixed = word
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
