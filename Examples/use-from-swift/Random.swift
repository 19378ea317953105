// The random numbers with which `moec run` draws batches: functions of the run's seed, a purpose,
// an index (the step, or the character that is written) and n alone.

import Foundation

enum Purpose: UInt64 {
  case firstParameters = 1
  case batch = 2
  case step = 3
  case text = 7
  case noiseOfText = 8
}
let golden: UInt64 = 0x9e37_79b9_7f4a_7c15

func mix(_ word: UInt64) -> UInt64 {
  var x = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
  x = (x ^ x >> 27) &* 0x94d0_49bb_1331_11eb
  return x ^ x >> 31
}

/// Number n of a stream: mix(key + (n + 1) golden); key mixes seed, purpose, index and 0 in turn.
func draw(_ seed: UInt64, _ purpose: Purpose, _ index: Int, _ n: Int = 0) -> UInt64 {
  let words = [purpose.rawValue, UInt64(index), 0]
  let key = words.reduce(mix(seed &+ golden)) { mix($0 ^ mix($1 &+ golden)) }
  return mix(key &+ (UInt64(n) + 1) &* golden)
}

/// The token at which the cumulated softmax of the logits passes a random number.
func sample(_ logits: some Collection<Float>, at number: UInt64) -> Int {
  let weights = logits.map { exp(Double($0)) }
  var rest = Double(number >> 11) * 0x1p-53 * weights.reduce(0, +)
  for (token, weight) in weights.enumerated() {
    rest -= weight
    if rest < 0 { return token }
  }
  return 0
}
