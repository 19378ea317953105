import Interpreter

/// Standard normal numbers that are a function of (seed, name, part) alone.
///
/// Marsaglia's polar method, with a logarithm made of additions, products and quotients: IEEE says what each
/// of them gives, so the numbers are the same bits on every machine, which those of a system's `log` are not.
struct NormalNumbers {
  private let key: UInt64
  private var position: UInt64 = 0
  /// The second of a pair.
  private var spare: Double?

  init(seed: UInt64, _ name: String, part: Int = 0) {
    // FNV-1a.
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    let named = CounterRandom.key(seed: seed, stream: hash)
    key = CounterRandom.key(seed: named, stream: UInt64(truncatingIfNeeded: part))
  }

  mutating func next() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    while true {
      let (u, v) = (nextSide(), nextSide())
      let square = u * u + v * v
      guard square > 0, square < 1 else { continue }
      let factor = (-2 * Self.logarithm(square) / square).squareRoot()
      spare = v * factor
      return u * factor
    }
  }

  /// So many of them times a deviation.
  mutating func take(_ count: Int, deviation: Double) -> [Float] {
    (0..<count).map { _ in Float(next() * deviation) }
  }

  /// A number in -1 ..< 1.
  private mutating func nextSide() -> Double {
    let word = CounterRandom.key(seed: key, stream: position)
    position &+= 1
    return Double(word >> 11) * 0x1p-52 - 1
  }

  /// ln x for 0 < x < 1: ln(2ᵉ m) = e ln 2 + 2 artanh((m - 1) / (m + 1)), m from √½ to √2.
  static func logarithm(_ x: Double) -> Double {
    var (exponent, m) = (Double(x.exponent), x.significand)
    if m > 1.414213562373095 { (exponent, m) = (exponent + 1, m / 2) }
    let s = (m - 1) / (m + 1)
    let square = s * s
    var sum = 0.0
    for odd in stride(from: 25.0, through: 1, by: -2) { sum = sum * square + 1 / odd }
    return exponent * 0.6931471805599453 + 2 * s * sum
  }
}
