import GraphIR
import Testing

@testable import MoE

@Suite struct AxisTests {
  @Test func axesMultiplyAndDivide() {
    let C = Axis("C", 12)
    #expect((4 * C).size == 48 && (C * 4).size == 48 && (C / 3).size == 4)
    #expect("\(4 * C) \(C / 3) \(Small.T * C)" == "4C C/3 T·C")
    #expect(4 * C == C * 4 && 4 * C / 4 == C && C != Axis("C2", 12))
  }

  @Test(arguments: [0, -5]) func sizesAreAtLeast1(_ size: Int) {
    let axis = Axis("X", size)
    let line = #line - 1
    let found = errors { $0.embedded.linear("a", axis).linear("b", 2 * axis).head }
    #expect(found.map(\.message) == ["axis X: the size must be at least 1, got \(size)"])
    #expect(found.first?.location?.line == line)
  }

  @Test(arguments: ["", "1C", "B·T", "a-b", "x y"]) func namesAreIdentifiers(_ name: String) {
    let found = errors { $0.embedded.linear("a", Axis(name, 3)).head }
    #expect(
      found.map(\.message) == [
        "axis \"\(name)\": a name is a letter followed by letters, digits and _"
      ])
  }

  @Test func oneNameHasOneSize() {
    let other = Axis("C", 13)
    let line = #line - 1
    let found = errors { $0.embedded.linear("a", other).head }
    #expect(found.count == 1)
    #expect(found.first?.message.hasPrefix("axis C: size 13 here, 12 at ") == true)
    #expect(found.first?.message.contains("Support.swift:13:") == true)
    #expect(found.first?.location?.line == line)
    #expect(found.first?.hint == "give one of the two another name")
  }

  @Test func factorsAreAtLeast1() {
    let found = errors { $0.embedded.linear("a", -2 * Small.C).linear("b", Small.C / 0).head }
    #expect(
      found.map(\.message) == [
        "axis -2 * C: the factor must be at least 1", "axis C / 0: the divisor must be at least 1",
      ])
    #expect(found.allSatisfy { $0.location?.line == #line - 5 })
  }

  @Test func sizesMustFit() {
    let axis = Axis("X", 1 << 30)
    let found = errors { $0.embedded.linear("a", axis * axis * axis).linear("b", axis).head }
    #expect(
      found.map(\.message) == [
        "linear: axis X·X·X has no whole size that fits: X is 1073741824"
      ])
    let large = errors { $0.embedded.linear("a", axis).linear("b", axis).head }
    #expect(large.map(\.message) == ["linear: f32[X, X] has more elements than any memory"])
  }

  @Test func headsAndChoicesAreNewAxesWhereNamesAreTaken() throws {
    let graph = try trace { text in
      let x = text.embedded
      for (name, count) in [("one", 1), ("two", 2), ("three", 1)] {
        _ = x.linear(name, Small.E).top(count)
      }
      return (x.heads(3).mergedHeads() + x.heads(2).mergedHeads() + x.heads(3).mergedHeads()).head
    }
    #expect(
      graph.nodes(.splitHeads).map { $0.types[0].description } == [
        "f32[B, H, T, D]", "f32[B, H2, T, D2]", "f32[B, H, T, D]",
      ])
    #expect(
      graph.nodes(.top).map { $0.types[0].description } == [
        "f32[B, T, K]", "f32[B, T, K2]", "f32[B, T, K]",
      ])
  }

  @Test func namesDeclaredAnywhereAreKeptClearOf() throws {
    let model = Declaration(
      name: "small", axes: (Small.V, Small.T, Small.B), linearWeights: .zeros, optimizer: .adamW(),
      site: Site("model.swift", 1, 1))
    let graph = try model.trace(declared: ["D": [512], "H": [3]]) { text in
      text.embedded.heads(3).mergedHeads().linear("wide", Axis("D", 512)).head
    }
    #expect(graph.nodes(.splitHeads).map { $0.types[0].description } == ["f32[B, H, T, D2]"])
  }

  @Test func mergedHeadsGiveBackTheVeryAxis() throws {
    let graph = try trace { text in
      let x = text.embedded.linear("wide", 2 * Small.C)
      let q = x.heads(3)
      let merged = q.matmul(q.transposed()).causalMasked().softmax().matmul(q).mergedHeads()
      return (x + attention(q, q, q).mergedHeads() + merged).head
    }
    #expect(graph.nodes(.mergeHeads).allSatisfy { $0.types[0].description == "f32[B, T, 2C]" })
  }

  @Test func theModelNamesItsOwnAxes() throws {
    let (words, window, rows) = (Axis("Words", 9), Axis("Window", 4), Axis("Rows", 3))
    let graph = try LanguageModel.trace("m", vocabulary: words, context: window, batch: rows) {
      $0.tokens.embedding("token", Small.C).linear("head", words)
    }
    #expect(graph.vocabulary.description == "Words" && graph.context.size == 4)
    #expect(graph.nodes(.embedding)[0].types[0].description == "f32[Rows, Window, C]")
    #expect(graph.vocabularyLocation?.line == #line - 6)
  }
}
