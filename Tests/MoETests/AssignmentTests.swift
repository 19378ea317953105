import CompiledModels
import GraphIR
import Testing

@testable import MoE

/// `x += y` and its like.
@Suite struct AssignmentTests {
  /// A function of two tensors written with an assignment, and without.
  private typealias Pair = @Sendable (Tensor, Tensor) -> (assigned: Tensor, written: Tensor)

  private static let pairs: [(String, Pair)] = [
    ("+=", { x, y in (changed(x) { $0 += y }, x + y) }),
    ("-=", { x, y in (changed(x) { $0 -= y }, x - y) }),
    ("*=", { x, y in (changed(x) { $0 *= y }, x * y) }),
    ("/=", { x, y in (changed(x) { $0 /= y }, x / y) }),
    ("+= 3", { x, _ in (changed(x) { $0 += 3 }, x + 3) }),
    ("-= 3", { x, _ in (changed(x) { $0 -= 3 }, x - 3) }),
    ("*= 3", { x, _ in (changed(x) { $0 *= 3 }, x * 3) }),
    ("/= 3", { x, _ in (changed(x) { $0 /= 3 }, x / 3) }),
  ]

  private static func changed<Value>(_ x: Value, _ change: (inout Value) -> Void) -> Value {
    var x = x
    change(&x)
    return x
  }

  @Test("It is the operator and an assignment", arguments: pairs.map(\.0))
  func tensors(name: String) throws {
    let pair = try #require(Self.pairs.first { $0.0 == name }).1
    let graphs = try [true, false].map { isAssigned in
      try trace { text in
        let results = pair(text.embedded, text.positionsAndTokens)
        return (isAssigned ? results.assigned : results.written).head
      }
    }
    // Both are there each time; the head reads the one or the other.
    let read = graphs.map { graph in
      graph.nodes(.linear).compactMap { node in
        graph.nodes[node.inputs[0].node].op
      }
    }
    #expect(read[0] == read[1] && read[0].map(\.kind) == [.pointwise])
  }

  @Test("What another name stands for stays")
  func isAValue() throws {
    let graph = try trace { text in
      let x = text.embedded
      var y = x
      y += x
      y += 1
      return x.head
    }
    let head = try #require(graph.nodes(.linear).first)
    #expect(graph.nodes[head.inputs[0].node].op.kind == .embedding)
  }

  @Test("Rows of one routing have them too")
  func rows() throws {
    func model(_ change: @Sendable (Routed) -> Routed) throws -> Graph {
      try trace { text in
        let x = text.embedded
        let rows = x.routed(by: x.linear("gate", Small.E).top(2).softmax())
        return change(rows.linear("up", Small.C)).combined().head
      }.withoutLocations
    }
    let assigned = try model { rows in
      var rows = rows
      rows += rows.tanh()
      rows -= 0.5
      rows *= rows
      rows /= 4
      rows /= rows.exp()
      rows *= 2
      rows -= rows.sigmoid()
      rows += 1
      return rows
    }
    let written = try model { x in
      var rows = x + x.tanh()
      rows = rows - 0.5
      rows = rows * rows
      rows = rows / 4
      rows = rows / rows.exp()
      rows = rows * 2
      rows = rows - rows.sigmoid()
      return rows + 1
    }
    #expect(assigned.nodes(.combine).count == 1)
    #expect(assigned.nodes(.pointwise).suffix(11) == written.nodes(.pointwise).suffix(11))
  }

  @Test("What does not fit is said of the assignment")
  func errorsOfIt() {
    let found = errors { text in
      var x = text.embedded
      x += text.tokens.embedding("wide", 2 * Small.C)
      return x.head
    }
    #expect(found.map(\.message) == ["+=: axes differ, f32[B, T, C] and f32[B, T, 2C]"])
    let number = errors { text in
      var x = text.embedded
      x /= 0
      return x.head
    }
    #expect(number.map(\.message) == ["/=: the number must be finite and not 0, got 0.0"])
  }
}

/// Axes of size 1, which other programs repeat.
@Suite struct SizeOneTests {
  private static let hint =
    "an axis of size 1 is not repeated: leave it out, as .sum(over: One) does, and the rest is"

  @Test("One that meets a longer axis is refused with the way out")
  func refused() {
    let One = Axis("One", 1)
    let found = errors { text in
      let x = text.embedded
      return (x * x.linear("scale", One)).head
    }
    #expect(found.map(\.message) == ["*: axes differ, f32[B, T, C] and f32[B, T, One]"])
    #expect(found.map(\.hint) == [Self.hint])
    let turned = errors { text in
      let x = text.embedded
      return (x.linear("scale", One) + x).head
    }
    #expect(turned.map(\.hint) == [Self.hint])
  }

  @Test("The way out is one")
  func wayOut() throws {
    let One = Axis("One", 1)
    let graph = try trace { text in
      let x = text.embedded
      return (x * x.linear("scale", One).sum(over: One)).head
    }
    #expect(graph.nodes(.sum).first?.types == [.f32(Small.B.core, Small.T.core)])
  }

  @Test("Of other axes that differ it is not said")
  func others() {
    let found = errors { text in
      let x = text.embedded
      return (x + x.linear("other", Small.E)).head
    }
    #expect(found.first?.message == "+: axes differ, f32[B, T, C] and f32[B, T, E]")
    #expect(found.first?.hint?.hasPrefix("the left side is from") == true)
  }
}
