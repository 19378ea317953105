import Foundation
import ModelFixtures

/// A safetensors file from a header as text and some data.
func safetensorsBytes(_ header: String, data: Int, claimed: UInt64? = nil) -> [UInt8] {
  safetensorsBytes(Array(header.utf8), data: [UInt8](repeating: 0, count: data), claimed: claimed)
}

func safetensorsBytes(_ header: [UInt8], data: [UInt8], claimed: UInt64? = nil) -> [UInt8] {
  let length = claimed ?? UInt64(header.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + header + data
}

/// Random numbers that are the same in every run.
struct Damage: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}

/// One entry of a header.
func described(
  _ name: String, _ shape: String, _ offsets: String, _ type: String = "F32"
) -> String {
  "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
}
