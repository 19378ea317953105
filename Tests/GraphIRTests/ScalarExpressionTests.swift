import Testing

@testable import GraphIR

@Suite("Scalar expressions")
struct ScalarExpressionTests {
  static let x = ScalarExpression.input(0)
  static let y = ScalarExpression.input(1)
  static let z = ScalarExpression.input(2)

  @Test(
    "Print with as few parentheses as precedence allows, and parse back",
    arguments: [
      (x + y * z, "x0 + x1 * x2"),
      ((x + y) * z, "(x0 + x1) * x2"),
      (x - y - z, "x0 - x1 - x2"),
      (x - (y - z), "x0 - (x1 - x2)"),
      (x / y * z, "x0 / x1 * x2"),
      (x / (y * z), "x0 / (x1 * x2)"),
      (x + (y + z), "x0 + (x1 + x2)"),
      (-(x + y), "negate(x0 + x1)"),
      (x - .constant(-0.5), "x0 - -0.5"),
      (.constant(1e-300) * x, "1e-300 * x0"),
      (.constant(0.1 + 0.2) * x, "0.30000000000000004 * x0"),
      (
        x + .unary(.relu, y) * .keep(stream: 3, rate: 0.1),
        "x0 + relu(x1) * keep(stream 3, rate 0.1)"
      ),
      (.normal(stream: 12) * .unary(.softplus, x), "normal(stream 12) * softplus(x0)"),
      (.binary(.maximum, x + y, .constant(-1)) * z, "max(x0 + x1, -1.0) * x2"),
      (.binary(.power, x, .binary(.minimum, y, z)), "power(x0, min(x1, x2))"),
      (.unary(.stop, x - y) / .unary(.sqrt, z), "stop(x0 - x1) / sqrt(x2)"),
    ] as [(ScalarExpression, String)])
  func text(expression: ScalarExpression, text: String) throws {
    #expect(expression.description == text)
    #expect(try ScalarExpression(parsing: text) == expression)
  }

  @Test(
    "Malformed text is refused where it goes wrong",
    arguments: [
      ("", "expression:1:1: error: expected an expression, found the end of the text"),
      ("x0 +", "expression:1:5: error: expected an expression, found the end of the text"),
      ("x0 x1", "expression:1:4: error: expected the end of the line, found \"x1\""),
      ("(x0", "expression:1:4: error: expected \")\", found the end of the text"),
      ("tan(x0)", "expression:1:1: error: unknown function tan"),
      ("x99999999999", "expression:1:1: error: unknown function x99999999999"),
      ("x", "expression:1:1: error: unknown function x"),
      ("normal(3)", "expression:1:8: error: expected \"stream\", found \"3)\""),
      ("max(x0)", "expression:1:7: error: expected \",\", found \")\""),
      ("keep(stream 3)", "expression:1:14: error: expected \",\", found \")\""),
      ("1e999", "expression:1:1: error: \"1e999\" is no number that fits a double"),
      ("1.2.3", "expression:1:1: error: \"1.2.3\" is no number that fits a double"),
      (
        "normal(stream 3000000000)",
        "expression:1:15: error: the value of stream must be at most 2147483647"
      ),
    ])
  func malformed(text: String, expected: String) {
    do {
      let parsed = try ScalarExpression(parsing: text)
      Issue.record("parsed as \(parsed)")
    } catch {
      #expect(error.description == expected)
    }
  }

  @Test(
    "Nesting has a bound, which neither parentheses nor chains pass",
    arguments: [
      ("", "("), ("", "tanh("), ("", "max(x0, "), ("", "min("), ("x0", " + x0"), ("x0", " * x0"),
      ("x0", " / x0"),
    ])
  func depth(start: String, more: String) {
    let text = start + String(repeating: more, count: 100_000)
    do {
      _ = try ScalarExpression(parsing: text)
      Issue.record("parsed")
    } catch {
      #expect(error.message == "the expression nests more than 200 functions")
    }
  }

  @Test("Random expressions parse back to themselves", arguments: 0..<50)
  func randomRoundTrip(seed: UInt64) throws {
    var numbers = RandomNumbers(state: seed)
    for _ in 0..<20 {
      let expression = ScalarExpression.random(depth: 6, &numbers)
      #expect(try ScalarExpression(parsing: expression.description) == expression)
    }
  }

  @Test("Simplifying keeps the value and leaves nothing to simplify", arguments: 0..<100)
  func simplified(seed: UInt64) {
    var numbers = RandomNumbers(state: seed)
    for _ in 0..<50 {
      let expression = ScalarExpression.random(depth: 5, &numbers)
      let simplified = expression.simplified
      #expect(simplified.simplified == simplified, "\(expression)")
      let inputs = (0..<3).map { _ in Double.random(in: -2...2, using: &numbers) }
      let (before, after) = (expression.value(inputs), simplified.value(inputs))
      guard before.isFinite, after.isFinite else { continue }
      #expect(isClose(before, after, within: 1e-9), "\(expression) against \(simplified)")
    }
  }

  @Test(
    "Neutral elements go and constants fold",
    arguments: [
      ("x0 * 1.0", "x0"), ("0.0 + x0", "x0"), ("x0 - 0.0", "x0"), ("x0 / 1.0", "x0"),
      ("x0 * 0.0", "0.0"), ("0.0 / x0", "0.0"), ("-1.0 * x0", "negate(x0)"),
      ("0.0 - x0", "negate(x0)"), ("negate(negate(x0))", "x0"), ("x0 + negate(x1)", "x0 - x1"),
      ("x0 - negate(x1)", "x0 + x1"), ("2.0 * x0 * 3.0", "6.0 * x0"), ("x0 * 2.0", "2.0 * x0"),
      ("relu(relu(x0))", "relu(x0)"), ("step(relu(x0))", "step(x0)"), ("2.0 / 4.0", "0.5"),
      ("x0 * keep(stream 1, rate 0.0)", "x0"), ("1.0 / 0.0", "1.0 / 0.0"),
      ("max(2.0, 3.0)", "3.0"), ("min(2.0, 3.0)", "2.0"), ("power(x0, 0.0)", "1.0"),
      ("power(x0, 1.0)", "x0"), ("stop(stop(x0))", "stop(x0)"), ("stop(2.0)", "2.0"),
    ])
  func simplifications(text: String, expected: String) throws {
    #expect(try ScalarExpression(parsing: text).simplified.description == expected)
  }

  @Test("Parts are counted and found")
  func parts() throws {
    let expression = try ScalarExpression(
      parsing: "x2 * keep(stream 9, rate 0.5) + tanh(x0) * normal(stream 4)")
    #expect(expression.inputs == [0, 2])
    #expect(expression.streams == [4, 9])
    #expect(expression.operations == 4)
    #expect(expression.substituting { .input($0 + 1) }.inputs == [1, 3])
  }
}

/// Whether two numbers agree, relative to the larger where that is above 1.
func isClose(_ a: Double, _ b: Double, within tolerance: Double) -> Bool {
  abs(a - b) <= tolerance * max(1, abs(a), abs(b))
}
