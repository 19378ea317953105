import Foundation

/// Random numbers as functions of (seed, stream, element), the same as in the generated C.
///
/// `bits` and `uniform` agree with C bit for bit; `normal` is the same formula in double precision.
public enum CounterRandom {
  /// The key of a stream: splitmix64's finalizer (Steele et al. 2014) of seed and stream.
  public static func key(seed: UInt64, stream: UInt64) -> UInt64 {
    var z = seed &+ (stream &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 32 random bits for element `i`.
  public static func bits(_ key: UInt64, _ i: UInt32) -> UInt32 {
    var x = i &+ UInt32(truncatingIfNeeded: key)
    x ^= x >> 16
    x = x &* 0x7FEB_352D
    x ^= UInt32(truncatingIfNeeded: key >> 32)
    x ^= x >> 15
    x = x &* 0x846C_A68B
    x ^= x >> 16
    return x
  }

  /// Uniform in (0, 1): one of 2²³ numbers, all exact in single precision.
  public static func uniform(_ key: UInt64, _ i: UInt32) -> Double {
    (Double(bits(key, i) >> 9) + 0.5) / 8_388_608
  }

  /// Standard normal, by Box and Muller: √(-2 ln u₂ᵢ) cos(2π u₂ᵢ₊₁).
  public static func normal(_ key: UInt64, _ i: UInt32) -> Double {
    let radius = (-2 * log(uniform(key, 2 &* i))).squareRoot()
    return radius * cos(2 * .pi * uniform(key, 2 &* i &+ 1))
  }

  /// Dropout's factor: 0 with probability `rate`, else 1 / (1 - rate).
  public static func keep(_ key: UInt64, _ i: UInt32, rate: Double) -> Double {
    let threshold = UInt32(min(max(rate, 0) * 4_294_967_296, 4_294_967_295))
    return bits(key, i) >= threshold ? 1 / (1 - rate) : 0
  }
}
