import GraphIR
import Testing

@testable import MoE

/// Axes and names that are too much, or alike but for their names.
@Suite struct SizeErrorTests {
  /// One head of keys for all queries, written with the axes at hand.
  @Test func innerAxesOfOneSize() {
    let found = errors { text in
      let keys = text.embedded.linear("key", Small.C / 3)
      let q = text.positionsAndTokens.heads(3)
      return q.matmul(keys.transposed()).softmax().mergedHeads().head
    }
    #expect(
      found.map(\.message) == [
        "matmul: inner axes D (4) and C/3 (4) have the same size and are not the same axis"
      ])
    #expect(
      found.first?.hint
        == "axes are the same when they are written alike: make both sides with D; besides, both "
        + "sides need the same axes before their last two, and matmul repeats neither")
  }

  @Test func leadingAxesDiffer() {
    let found = errors { text in
      let D = Axis("D", 4)
      let keys = text.embedded.linear("key", D)
      return text.positionsAndTokens.heads(3).matmul(keys.transposed()).softmax().mergedHeads().head
    }
    #expect(
      found.map(\.message) == ["matmul: leading axes differ, f32[B, H, T, D] and f32[B, D, T]"])
    #expect(found.first?.hint?.contains("matmul repeats neither") == true)
  }

  @Test func axesOfASumHaveOneSize() {
    let found = errors { text in
      let x = text.embedded
      return (x + x.linear("other", Axis("O", 12))).head
    }
    #expect(
      found.first?.message.hasSuffix(", which have the same sizes and are not the same axes")
        == true)
  }

  @Test func longName() {
    let name = String(repeating: "n", count: 65)
    let found = errors { $0.embedded.linear(name, Small.C).head }
    #expect(
      found.map(\.message) == ["linear: the name \"\(name)\" has 65 characters, more than 64"])
    let axis = errors { $0.embedded.linear("up", Axis(name, 3)).linear("down", Small.C).head }
    #expect(axis.first?.message == "axis \"\(name)\": a name has 65 characters, more than 64")
  }

  @Test(arguments: [9_000_000_000, .max]) func largeAxis(size: Int) {
    let found = errors { $0.embedded.linear("up", Axis("W", size)).linear("down", Small.C).head }
    #expect(
      found.first?.message == "axis W: the size must be at most 2147483647, got \(size)")
  }

  @Test func largeProductOfAxes() {
    let found = errors { text in
      let W = Axis("W", 1 << 30)
      return text.embedded.linear("up", 4 * W).linear("down", Small.C).head
    }
    #expect(
      found.first?.message == "linear: axis 4W: the size must be at most 2147483647, got 4294967296"
    )
  }
}
