import Foundation
import Testing

@testable import GraphIR

/// Rotary positions scaled to a longer context, as transformers scales them.
@Suite struct RotaryScalingTests {
  private struct Expected: Decodable {
    var turns: [Double]
    var amplitude: Double
  }

  /// By Tests/Fixtures/make_rotary_fixtures.py.
  private static let fixture = Result {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/rotary-scaling.json")
    return try JSONDecoder().decode([String: Expected].self, from: Data(contentsOf: path))
  }

  private static let forms: [(name: String, base: Double, scaling: RotaryScaling)] = [
    ("linear", 1e4, .linear(factor: 4)),
    ("llama3", 5e5, .llama3(factor: 8, low: 1, high: 4, context: 8192)),
    (
      "yarn", 1e6,
      .yarn(
        factor: 4, amplitude: nil, fast: 32, slow: 1, context: 32768, rounds: true, base: 1e6,
        depth: 64)
    ),
    (
      "yarn without whole pairs", 15e4,
      .yarn(
        factor: 32, amplitude: nil, fast: 32, slow: 1, context: 4096, rounds: false, base: 15e4,
        depth: 64)
    ),
  ]

  @Test func turnsAreThoseOfTransformers() throws {
    let fixture = try Self.fixture.get()
    #expect(fixture.count == Self.forms.count)
    for (name, base, scaling) in Self.forms {
      let expected = try #require(fixture[name])
      let depth = 2 * expected.turns.count
      #expect(abs(scaling.amplitude - expected.amplitude) < 1e-6 * expected.amplitude)
      for (pair, turn) in expected.turns.enumerated() {
        let own = scaling.turn(pair, base: base, depth: depth)
        #expect(abs(own - turn) <= 1e-5 * turn, "\(name), pair \(pair): \(own), not \(turn)")
      }
    }
  }

  @Test(arguments: [
    RotaryScaling(factor: 0.5, none: 0, full: 0), RotaryScaling(factor: 2, none: -1, full: 1),
    RotaryScaling(factor: 2, amplitude: 0, none: 0, full: 0),
    RotaryScaling(factor: .nan, none: 0, full: 0),
    RotaryScaling(factor: 2, none: 0, full: 0, context: 0),
  ])
  func othersAreRefused(_ scaling: RotaryScaling) {
    let type = TensorType(.f32, [Axis("B", 1), Axis("T", 2), Axis("C", 4)])
    #expect(throws: Mismatch.self) {
      try Rotary(heads: Axis("H", 1), base: 10, scaling: scaling).infer([type])
    }
  }
}
