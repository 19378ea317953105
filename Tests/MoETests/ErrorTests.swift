import GraphIR
import Testing

@testable import MoE

/// Every mistake is reported at its own line, in these words.
@Suite struct ErrorTests {
  /// Expects one error on the line before the call.
  private func expect(
    _ found: [Diagnostic], _ message: String, hint: String? = nil, line: Int = #line
  ) {
    #expect(found.map(\.message) == [message])
    #expect(found.first?.location?.line == line - 1)
    if let hint { #expect(found.first?.hint == hint) }
  }

  @Test func innerAxesDiffer() {
    let found = errors {
      let q = $0.embedded.heads(3)
      return q.matmul(q).mergedHeads().head
    }
    expect(found, "matmul: inner axes differ, D (4) and T (6)", line: #line - 1)
  }

  @Test func logitsOfTargets() {
    let found = errors {
      let counted = $0.counted()
      return ($0.embedded * counted).head
    }
    expect(
      found,
      "LanguageModel: the logits depend on the targets, which are not there when text is written",
      hint: "keep text.counted() to auxiliary and states", line: #line - 5)
    let used = errors {
      let x = $0.embedded
      auxiliary("size", weight: 1, (x.mean(over: Small.C) * $0.counted()).sum())
      return x.head
    }
    #expect(used.isEmpty)
  }

  @Test func moreThanTheGroupsHave() {
    let found = errors {
      let scores = $0.embedded
      _ = scores.top(4, by: scores.limited(toGroups: 2, of: 6)).normalized()
      _ = scores.top(5, by: scores.limited(toGroups: 2, of: 6)).normalized()
      return scores.head
    }
    expect(
      found, "top: cannot choose 5 of the 4 experts whose groups are kept",
      hint: "keep more groups, or choose from 1 to 4", line: #line - 4)
  }

  @Test func headsDoNotDivide() {
    let found = errors { $0.embedded.heads(5).mergedHeads().head }
    expect(found, "heads: 5 heads do not divide the width C (12)")
    let none = errors { $0.embedded.heads(0).mergedHeads().head }
    expect(none, "heads: expected at least 1 head, got 0")
  }

  @Test func headsNeedThreeAxes() {
    let found = errors { $0.embedded.heads(3).heads(2).mergedHeads().head }
    expect(found, "heads: expected a tensor [batch, time, width], got f32[B, H, T, D]")
  }

  @Test func nothingToMerge() {
    let found = errors { $0.embedded.mergedHeads().head }
    expect(found, "mergedHeads: expected a tensor [batch, heads, time, depth], got f32[B, T, C]")
  }

  @Test func rotaryNeedsHeadsAtPositions() {
    let merged = errors { $0.embedded.rotary().head }
    expect(merged, "rotary: expected a tensor [batch, heads, time, depth], got f32[B, T, C]")
    let turned = errors { $0.embedded.heads(3).transposed().rotary().head }
    expect(turned, "rotary: expected positions T (6) before the last axis, got f32[B, H, D, T]")
    let odd = errors { $0.embedded.heads(4).rotary().mergedHeads().head }
    expect(
      odd, "rotary: a head of 3 numbers does not divide into pairs",
      hint: "give heads an even width", line: #line - 2)
  }

  @Test(arguments: [1, 0, -10_000, .infinity, .nan]) func wrongBase(_ base: Double) {
    let found = errors { $0.embedded.heads(3).rotary(base: base).mergedHeads().head }
    expect(found, "rotary: the base must be a number above 1, got \(base)")
  }

  @Test(arguments: [0, -1, 5]) func wrongNumberOfExperts(_ count: Int) {
    let found = errors { text in
      let x = text.embedded
      let routing = x.linear("gate", Small.E).top(count).softmax()
      return x.routed(by: routing).relu().combined().head
    }
    #expect(found.map(\.message) == ["top: cannot choose \(count) of E (4) experts"])
  }

  @Test(arguments: [-0.1, 1, 2, .nan]) func wrongRate(_ rate: Double) {
    let found = errors { $0.embedded.dropout(rate).head }
    expect(found, "dropout: the rate must be at least 0 and below 1, got \(rate)")
  }

  @Test func operandsOfASumDiffer() {
    let found = errors { text in
      let x = text.embedded
      return (x.relu() + x.linear("gate", Small.E)).head
    }
    #expect(found.map(\.message) == ["+: axes differ, f32[B, T, C] and f32[B, T, E]"])
    let line = #line - 3
    #expect(found.first?.location?.line == line)
    #expect(
      found.first?.hint == "the left side is from \(#filePath):\(line):17, "
        + "the right side from \(#filePath):\(line):28")
  }

  @Test func aScopeOperandGivesAnOperatorItsLine() {
    func inner(_ x: Tensor) -> Tensor { x.linear("gate", Small.E) }
    let found = errors { text in
      let x = text.embedded
      return (x - scope("inner") { inner(x) }).head
    }
    #expect(found.first?.location?.line == #line - 2)
  }

  @Test func numbersMustBeFinite() {
    let found = errors { ($0.embedded.relu() * .infinity).head }
    expect(found, "*: the number must be finite, got inf")
  }

  @Test func aNameIsTakenOnceInAScope() {
    let found = errors { text in
      let x = text.embedded.linear("same", Small.C)
      return x.linear("same", Small.C).head
    }
    #expect(found.map(\.message) == ["linear: \"same\" exists already"])
    #expect(found.first?.location?.line == #line - 3)
    #expect(
      found.first?.hint == "the first one is at \(#filePath):\(#line - 5):29; "
        + "names are unique within a scope")
  }

  @Test func aDuplicateInEveryLayerIsReportedOnce() {
    let found = errors { text in
      layers("block", 4, text.embedded) { $0.layerNorm("norm").layerNorm("norm") }.head
    }
    #expect(found.map(\.message) == ["layerNorm: \"block.0.norm\" exists already"])
  }

  @Test func parametersAreUniqueInC() {
    let found = errors { text in
      let table = parameter("a.weight", Small.V, Small.C)
      let x = scope("b") { text.tokens.embedding(table).linear("c", Small.C) }
      return x.linear("a", Small.C).linear("b_c", Small.C).head
    }
    #expect(
      found.map(\.message) == [
        "linear: \"a.weight\" exists already",
        "linear: \"b_c.weight\" and \"b.c.weight\" are one name in C",
      ])
    #expect(
      found.map(\.hint)
        == [(9, 19), (8, 57)].map { above, column in
          "the first one is at \(#filePath):\(#line - above):\(column)"
        })
  }

  @Test func divisorsAreNot0() {
    let found = errors { ($0.embedded / 0).head }
    #expect(found.map(\.message) == ["/: the number must be finite and not 0, got 0.0"])
  }

  @Test(arguments: ["", "a.b", "1st", "naïve", "with space"]) func badNames(_ name: String) {
    let message = "the name \"\(name)\" must be a letter followed by letters, digits and _"
    let layer = errors { $0.embedded.linear(name, Small.C).head }
    expect(layer, "linear: \(message)")
    let block = errors { layers(name, 1, $0.embedded) { $0 }.head }
    expect(block, "layers: \(message)")
    let region = errors { text in scope(name) { text.embedded }.head }
    expect(region, "scope: \(message)")
  }

  @Test func integersAreNoVectors() {
    let linear = errors { $0.tokens.linear("head", Small.V) }
    expect(
      linear, "linear: expected a tensor of numbers, got i32[B, T]",
      hint: "whole numbers become vectors with .embedding(name, axis)", line: #line - 2)
    let transposed = errors { $0.tokens.transposed().embedding("token", Small.C).head }
    expect(transposed, "transposed: expected a tensor of numbers, got i32[B, T]")
    let relu = errors { $0.tokens.relu().head }
    expect(relu, "relu: expected f32, got i32[B, T]")
    let norm = errors { $0.tokens.layerNorm("norm").head }
    expect(norm, "layerNorm: expected a tensor of numbers with at least one axis, got i32[B, T]")
  }

  @Test func vectorsAreNoIntegers() {
    let found = errors { $0.embedded.embedding("again", Small.C).head }
    expect(found, "embedding: expected whole numbers, got f32[B, T, C]")
  }

  @Test func aTableMustFit() {
    let found = errors { text in
      let table = parameter("table", Small.C, Small.C)
      return text.tokens.embedding(table).head
    }
    #expect(found.map(\.message) == ["embedding: expected a table [V, width], got f32[C, C]"])
  }

  @Test(arguments: [-1, 5000]) func wrongNumberOfLayers(_ count: Int) {
    let found = errors { layers("block", count, $0.embedded) { $0.relu() }.head }
    expect(found, "layers: expected 0 to 4096 layers, got \(count)")
  }

  @Test(arguments: [0, -1, .nan, .infinity]) func wrongCapacity(_ factor: Double) {
    let found = errors { text in
      let routing = text.embedded.linear("gate", Small.E).top(1).softmax()
      let x = text.positions.embedding("position", Small.C)
      return x.routed(by: routing, capacity: factor).combined().head
    }
    #expect(
      found.map(\.message) == ["routed: the capacity must be a number above 0, got \(factor)"])
  }

  @Test func routingOfOtherTokens() {
    let found = errors { text in
      let routing = text.embedded.linear("gate", Small.E).top(1).softmax()
      let x = text.positions.embedding("position", Small.C)
      return x.routed(by: routing).combined().head
    }
    #expect(found.map(\.message) == ["routed: f32[T, C] does not fit the routing of B (2), T (6)"])
  }

  @Test func rowsOfTwoRoutings() {
    let found = errors { text in
      let x = text.embedded
      let one = x.routed(by: x.linear("one", Small.E).top(2).softmax())
      let two = x.routed(by: x.linear("two", Small.E).top(2).softmax())
      return (one.relu() + two.relu()).combined().head
    }
    #expect(
      found.map(\.message) == [
        "+: rows of two routings do not meet, f32[B·T·K, C] by E and f32[B·T·K, C] by E"
      ])
    #expect(found.first?.location?.line == #line - 6)
  }

  @Test func attentionOperandsMustAgree() {
    let keys = errors { text in
      let x = text.embedded
      return attention(x.heads(3), x.heads(2), x.heads(3)).mergedHeads().head
    }
    #expect(
      keys.map(\.message) == [
        "attention: keys must be f32[B, H, T, D] like the queries, or of fewer heads, got f32[B, H2, T, D2]"
      ])
    #expect(keys.map(\.hint) == ["queries have heads of D (4) columns, keys of D2 (6)"])
    let merged = errors { attention($0.embedded, $0.positions, $0.tokens).head }
    expect(merged, "attention: expected queries [batch, heads, time, depth], got f32[B, T, C]")
  }

  @Test func logitsMustBeLogits() {
    let found = errors { $0.embedded.linear("last", Small.C) }
    expect(found, "LanguageModel: expected logits f32[B, T, V], got f32[B, T, C]")
    let same = errors { _ in parameter("all", Small.B, Small.T, Small.V) }
    expect(same, "LanguageModel: the logits are \"all\" itself, the same for every text")
  }

  @Test func tensorsStayInTheirModel() throws {
    var kept: Tensor?
    _ = try trace { text in
      kept = text.embedded
      return text.positions.embedding("p", Small.C).head + text.tokens.embedding("v", Small.V)
    }
    let found = errors { text in kept.map { text.embedded + $0 }?.head ?? text.embedded.head }
    #expect(found.map(\.message) == ["+: a tensor of another model"])
  }

  @Test func severalErrorsAreAllReported() {
    let found = errors { text in
      let x = text.embedded.dropout(2)
      let y = x.heads(7)
      let z = x.linear("token", Small.C / 5).relu().softmax() + y.mergedHeads()
      return (z.layerNorm("norm") * 2 - .normal(like: z)).linear("head", Axis("Z", 0))
    }
    #expect(
      found.map { "\(($0.location?.line ?? 0) - #line) \($0.message)" } == [
        "-5 dropout: the rate must be at least 0 and below 1, got 2.0",
        "-4 heads: 7 heads do not divide the width C (12)",
        "-3 linear: \"token\" exists already",
        "-3 linear: axis C/5 has no whole size that fits: C is 12",
        "-2 axis Z: the size must be at least 1, got 0",
      ])
  }

  @Test func diagnosticsReadLikeACompilers() {
    let found = errors { $0.embedded.heads(5).mergedHeads().head }
    #expect(
      found.map(\.description) == [
        "\(#filePath):\(#line - 1):38: error: heads: 5 heads do not divide the width C (12)\n"
          + "  hint: give a count by which the width can be divided, or change the width"
      ])
  }
}
