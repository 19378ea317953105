import GraphIR
import Testing

@testable import MoE

/// Positions and places as numbers.
@Suite struct NumbersTests {
  @Test("Positions, tokens and places along an axis are numbers to calculate with")
  func types() throws {
    let half = Axis("Half", 6)
    let graph = try trace { text in
      let turns = (half.indices() * -0.5).exp()
      let angles = text.positions.numbers(over: half) * turns
      let both = concatenated(angles.cos(), angles.sin(), as: Small.C)
      return (text.embedded * both + text.tokens.numbers() * text.positions.numbers()).head
    }
    let (T, B) = (Small.T.core, Small.B.core)
    #expect(
      graph.nodes(.numbers).flatMap(\.types) == [.f32(T, half.core), .f32(B, T), .f32(T)])
    #expect(graph.nodes(.indices).flatMap(\.types) == [.f32(half.core)])
  }

  @Test("Numbers are none again")
  func numbers() {
    let found = errors { ($0.embedded.numbers()).head }
    #expect(found.map(\.message) == ["numbers: expected whole numbers, got f32[B, T, C]"])
    #expect(found.first?.location?.line == #line - 2)
  }
}
