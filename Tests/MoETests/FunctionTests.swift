import GraphIR
import Testing

@testable import MoE

/// Functions of numbers: what they are in the graph, and what is said of mistakes.
@Suite struct FunctionTests {
  /// The expressions of what a model makes of vectors, sums apart.
  private func expressions(_ body: @escaping (Tensor) -> [Tensor]) throws -> [String] {
    let graph = try trace { text in
      let made = body(text.embedded)
      return made.dropFirst().reduce(made[0], +).head
    }
    return graph.nodes.compactMap { node in
      if case .pointwise(let op) = node.op { "\(op.expression)" } else { String?.none }
    }.filter { $0 != "x0 + x1" }
  }

  @Test func functionsAreWhatTheySay() throws {
    let found = try expressions { x in
      [
        x.sqrt(), x.exp(), x.log(), x.squared(), x.clamped(-1...2), x.softCapped(4),
        x.stopGradient(), .constant(3, like: x), x.gelu(), x.gelu(.tanh),
      ]
    }
    #expect(
      found == [
        "sqrt(x0)", "exp(x0)", "log(x0)", "x0 * x0", "min(max(x0, -1.0), 2.0)",
        "4.0 * tanh(0.25 * x0)", "stop(x0)", "3.0",
        "0.5 * x0 * (1.0 + erf(0.7071067811865476 * x0))",
        "0.5 * x0 * (1.0 + tanh(0.7978845608028654 * (x0 + 0.044715 * x0 * x0 * x0)))",
      ])
  }

  @Test func powersAreProductsWhereTheyCanBe() throws {
    let found = try expressions { x in
      [2, 3, 4, 0.5, -1, -2, -0.5, 5, 1.7, -1.5].map { x.power($0) }
    }
    #expect(
      found == [
        "x0 * x0", "x0 * x0 * x0", "x0 * x0 * (x0 * x0)", "sqrt(x0)", "1.0 / x0",
        "1.0 / (x0 * x0)", "1.0 / sqrt(x0)", "power(x0, 5.0)", "power(x0, 1.7)", "power(x0, -1.5)",
      ])
  }

  @Test func quotientsAndExtremesKeepTheirOrder() throws {
    let found = try expressions { x in
      [
        x / x.tanh(), 2 / x, x / 2, max(x, x.relu()), max(x, 0.5), max(0.5, x), min(x.relu(), x),
        min(x, 0.5), min(0.5, x),
      ]
    }
    #expect(
      found == [
        "tanh(x0)", "x0 / x1", "2.0 / x0", "0.5 * x0", "relu(x0)", "max(x0, x1)", "max(x0, 0.5)",
        "max(0.5, x0)", "relu(x0)", "min(x0, x1)", "min(x0, 0.5)", "min(0.5, x0)",
      ])
  }

  @Test func rowsOfExpertsHaveThemToo() throws {
    let graph = try trace { text in
      let x = text.embedded
      let r = x.routed(by: x.linear("gate", Small.E).top(2).softmax())
      let a = (r.squared() + 1).sqrt() / (2 / r.exp()) + (r.exp() / 3).log().power(3)
      let b = max(r, a) * max(r, 0.5) * max(0.5, r) - min(r, a) * min(r, 0.5) * min(0.5, r)
      return (a.clamped(-1...1) * b.softCapped(2) + r.gelu(.tanh).stopGradient()).combined().head
    }
    #expect(
      graph.nodes(.pointwise).allSatisfy { $0.types[0].description == "f32[B·T·K, C] by E" })
  }

  /// Expects one error on the line before the call.
  private func expect(
    _ found: [Diagnostic], _ message: String, hint: String? = nil, line: Int = #line
  ) {
    #expect(found.map(\.message) == [message])
    #expect(found.first?.location?.line == line - 1)
    if let hint { #expect(found.first?.hint == hint) }
  }

  @Test func wrongNumbers() {
    let power = errors { $0.embedded.power(.infinity).head }
    expect(power, "power: the exponent must be finite, got inf")
    let bounds = errors { $0.embedded.clamped(-1 ... .infinity).head }
    expect(
      bounds, "clamped: the bounds must be finite, got -1.0...inf",
      hint: "max(x, lower) and min(x, upper) have one bound", line: #line - 2)
    let cap = errors { $0.embedded.softCapped(0).head }
    expect(cap, "softCapped: the cap must be a number above 0, got 0.0")
    let constant = errors { Tensor.constant(.nan, like: $0.embedded).head }
    expect(constant, "constant: the number must be finite, got nan")
    let bound = errors { max($0.embedded, .nan).head }
    expect(bound, "max: the number must be finite, got nan")
    let dividend = errors { (.infinity / $0.embedded).head }
    #expect(dividend.map(\.message) == ["/: the number must be finite, got inf"])
  }

  @Test func constantsThatAFunctionIsNotMadeFor() {
    let log = errors { Tensor.constant(-1, like: $0.embedded).log().head }
    expect(log, "log: the numbers must be above 0, got -1.0")
    let zero = errors { Tensor.constant(0, like: $0.embedded).log().head }
    expect(zero, "log: the numbers must be above 0, got 0.0")
    let sqrt = errors { Tensor.constant(-2, like: $0.embedded).sqrt().head }
    expect(sqrt, "sqrt: the numbers must be at least 0, got -2.0")
    #expect(errors { Tensor.constant(0, like: $0.embedded).sqrt().head }.isEmpty)
  }

  @Test func wrongShapes() {
    let quotient = errors { text in
      let x = text.embedded
      return (x.relu() / x.linear("gate", Small.E)).head
    }
    #expect(quotient.map(\.message) == ["/: axes differ, f32[B, T, C] and f32[B, T, E]"])
    #expect(quotient.first?.location?.line == #line - 3)
    let larger = errors { max($0.embedded, $0.positionsAndTokens.linear("gate", Small.E)).head }
    expect(larger, "max: axes differ, f32[B, T, C] and f32[B, T, E]")
    #expect(larger.first?.hint?.hasPrefix("the left side is from") == true)
    let integers = errors { $0.tokens.sqrt().head }
    expect(integers, "sqrt: expected f32, got i32[B, T]")
    let routings = errors { text in
      let x = text.embedded
      let one = x.routed(by: x.linear("one", Small.E).top(2).softmax())
      let two = x.routed(by: x.linear("two", Small.E).top(2).softmax())
      return min(one, two).combined().head
    }
    #expect(routings.count == 1)
    #expect(routings[0].message.hasPrefix("min: rows of two routings do not meet"))
  }
}
