import GraphIR
import Testing

@testable import Interpreter

/// `moec check --gradients`.
@Suite struct GradientCheckTests {
  /// loss = Σ tanh(x)², its gradient times `factor`.
  private func graph(factor: Double) -> Graph {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let x = g.emitOne(
      .parameter(Parameter(name: "x", axes: [Axis("C", 4)], initializer: .normal(1))), [])
    let y = g.pointwise(.unary(.tanh, .input(0)), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [g.pointwise(.input(0) * .input(0), [y])]))
    g.phase = .backward
    let slope = .constant(2 * factor) * .input(0) * (.constant(1) - .input(0) * .input(0))
    g.bind(.gradient(parameter: "x"), to: g.pointwise(slope as ScalarExpression, [y]))
    return g.graph
  }

  @Test func aRightGradientIsRight() throws {
    let results = try GradientCheck(graph(factor: 1)).results()
    #expect(results.map(\.parameter) == ["x"])
    #expect(results.allSatisfy { $0.isRight && !$0.isZero })
  }

  @Test(arguments: [1.001, 0, -1]) func aWrongGradientIsWrong(factor: Double) throws {
    let results = try GradientCheck(graph(factor: factor)).results()
    #expect(results.allSatisfy { !$0.isRight })
    #expect(results.allSatisfy { $0.isZero == (factor == 0) })
  }

  /// loss = Σ tanh(x)² gain, of which a gain of 0 shows nothing.
  @Test("What stands behind zeros is checked too", arguments: [1, 1.001])
  func behindZeros(factor: Double) throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let C = Axis("C", 4)
    let x = g.emitOne(.parameter(Parameter(name: "x", axes: [C], initializer: .normal(1))), [])
    let gain = g.emitOne(.parameter(Parameter(name: "gain", axes: [C], initializer: .zeros)), [])
    let y = g.pointwise(.unary(.tanh, .input(0)), [x])
    let gained = g.pointwise(.input(0) * .input(0) * .input(1), [y, gain])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [gained]))
    g.phase = .backward
    let slope: ScalarExpression =
      .constant(2 * factor) * .input(0) * (.constant(1) - .input(0) * .input(0)) * .input(1)
    g.bind(.gradient(parameter: "x"), to: g.pointwise(slope, [y, gain]))
    let result = try #require(try GradientCheck(g.graph).results().first)
    #expect(!result.isZero && result.isRight == (factor == 1), "\(result)")
  }

  /// Σ 100 relu(x - x₀ + 3e-7), with a kink next to where it is looked at, in every direction.
  @Test("A kink that every longer step meets is stepped around", arguments: [100, 100.1])
  func kink(slope: Double) throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let parameter = Parameter(name: "x", axes: [Axis("C", 64)], initializer: .normal(1))
    let x = g.emitOne(.parameter(parameter), [])
    let moved: ScalarExpression = .input(0) - .unary(.stop, .input(0)) + .constant(3e-7)
    let y = g.pointwise(.constant(100) * .unary(.relu, moved), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [y]))
    g.phase = .backward
    g.bind(.gradient(parameter: "x"), to: g.pointwise(.constant(slope), [x]))
    let result = try #require(try GradientCheck(g.graph).results().first)
    #expect(result.isRight == (slope == 100), "\(result)")
  }

  /// Σ |x - x₀|, whose slope may be any from -1 to 1 where it is looked at, and Σ 2 (x - x₀), of which a
  /// kink explains nothing.
  @Test("Where the point itself is a kink nothing is said of the slope", arguments: [1.0, 2.5])
  func kinkAtThePoint(slope: Double) throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let C = Axis("C", 8)
    let parameters = ["kinked", "smooth"].map {
      g.emitOne(.parameter(Parameter(name: $0, axes: [C], initializer: .normal(1))), [])
    }
    let moved: ScalarExpression = .input(0) - .unary(.stop, .input(0))
    let below: ScalarExpression = .unary(.stop, .input(0)) - .input(0)
    let kinked: ScalarExpression = .unary(.relu, moved) + .unary(.relu, below)
    let both = g.pointwise(
      .input(0) + .constant(2) * .input(1),
      [g.pointwise(kinked, [parameters[0]]), g.pointwise(moved, [parameters[1]])])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [both]))
    g.phase = .backward
    g.bind(.gradient(parameter: "kinked"), to: g.pointwise(.constant(1), [parameters[0]]))
    g.bind(.gradient(parameter: "smooth"), to: g.pointwise(.constant(slope * 2), [parameters[1]]))
    let results = try GradientCheck(g.graph).results()
    #expect(results.map(\.verdict) == [.undecided, slope == 1 ? .right : .wrong], "\(results)")
  }

  /// Σ sin(10¹⁰ (x - x₀)) + 2 · 10⁹ (y - y₀)
  @Test("What turns faster than steps are long shows nothing", arguments: [1.0, 2.5])
  func fastSine(slope: Double) throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let C = Axis("C", 8)
    let (x, y) = (
      g.emitOne(.parameter(Parameter(name: "fast", axes: [C], initializer: .normal(1))), []),
      g.emitOne(.parameter(Parameter(name: "slow", axes: [C], initializer: .normal(1))), [])
    )
    let moved: ScalarExpression = .input(0) - .unary(.stop, .input(0))
    let both = g.pointwise(
      .unary(.sin, .constant(1e10) * .input(0)) + .constant(2e9) * .input(1),
      [g.pointwise(moved, [x]), g.pointwise(moved, [y])])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [both]))
    g.phase = .backward
    g.bind(.gradient(parameter: "fast"), to: g.pointwise(.constant(1e10), [x]))
    g.bind(.gradient(parameter: "slow"), to: g.pointwise(.constant(slope * 2e9), [y]))
    let results = try GradientCheck(g.graph).results()
    #expect(results.map(\.verdict) == [.undecided, slope == 1 ? .right : .wrong], "\(results)")
  }

  /// Σ tanh(x)² + 10⁹: rounding is more than any slope of x.
  @Test("Where rounding hides every slope nothing is said", arguments: [1, -1, 0])
  func hidden(factor: Double) throws {
    var graph = graph(factor: factor)
    let loss = try #require(graph.outputs.first { $0.output == .loss }).value
    var g = GraphBuilder(graph)
    g.phase = .forward
    let large = g.pointwise(.input(0) + .constant(1e15), [loss])
    graph = g.graph
    graph.outputs.removeAll { $0.output == .loss }
    g = GraphBuilder(graph)
    g.bind(.loss, to: large)
    #expect(throws: Diagnostic.self) { try GradientCheck(g.graph).results() }
  }

  /// Σ √(x²) with x = 0 at first, where its gradient is 0 · ∞.
  @Test("A gradient that is no number at first is said to be none")
  func endless() throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let C = Axis("C", 4)
    let x = g.emitOne(.parameter(Parameter(name: "x", axes: [C], initializer: .zeros)), [])
    let root = g.pointwise(.unary(.sqrt, .input(0) * .input(0)), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [root]))
    g.phase = .backward
    g.bind(.gradient(parameter: "x"), to: g.pointwise(.input(0) / .input(1), [x, root]))
    #expect { try GradientCheck(g.graph) } throws: {
      ($0 as? Diagnostic)?.message.hasPrefix("the gradient of x is not finite at first") == true
    }
  }

  @Test("A gradient of what has none is wrong")
  func noSlope() throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let C = Axis("C", 8)
    let x = g.emitOne(.parameter(Parameter(name: "x", axes: [C], initializer: .normal(1))), [])
    let still = g.pointwise(.unary(.sin, .unary(.stop, .input(0))), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [still]))
    g.phase = .backward
    g.bind(.gradient(parameter: "x"), to: g.pointwise(.constant(0.1), [x]))
    let result = try #require(try GradientCheck(g.graph).results().first)
    #expect(result.verdict == .wrong, "\(result)")
  }

  @Test("An objective that is no number is said to be none")
  func notFinite() throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let parameter = Parameter(name: "x", axes: [Axis("C", 4)], initializer: .normal(1))
    let x = g.emitOne(.parameter(parameter), [])
    let y = g.pointwise(.input(0) / .constant(0), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [y]))
    g.phase = .backward
    g.bind(.gradient(parameter: "x"), to: y)
    #expect(throws: Diagnostic.self) { try GradientCheck(g.graph) }
  }

  @Test("A model is cut down where its axes allow it")
  func cut() throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 65), context: Axis("T", 32), batch: Axis("B", 16)))
    let C = Axis("C", 128)
    let x = g.emitOne(
      .parameter(
        Parameter(name: "x", axes: [Axis("B", 16), Axis("T", 32), C], initializer: .normal(1))), [])
    let split = SplitHeads(heads: Axis("H", 8), depth: Axis("D", 16))
    _ = g.emitOne(.splitHeads(split), [x])
    let small = try CutDownModel(g.graph)
    #expect(small.graph.batch.size == 2)
    let sizes = Dictionary(uniqueKeysWithValues: small.sizes.map { ($0.name, $0.size) })
    #expect(sizes["C"] == 6 && sizes["H"] == 2 && sizes["D"] == 3)
  }

  /// Sizes of the axes of a model that cuts widths into heads, each in its own way.
  private func cut(
    _ splits: [(width: Axis, heads: Axis, depth: Axis)]
  ) throws -> [String: Int] {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 65), context: Axis("T", 32), batch: Axis("B", 16)))
    for (index, split) in splits.enumerated() {
      let axes = [Axis("B", 16), Axis("T", 32), split.width]
      let parameter = Parameter(name: "x\(index)", axes: axes, initializer: .normal(1))
      let x = g.emitOne(.parameter(parameter), [])
      _ = g.emitOne(.splitHeads(SplitHeads(heads: split.heads, depth: split.depth)), [x])
    }
    let small = try CutDownModel(g.graph)
    return Dictionary(uniqueKeysWithValues: small.sizes.map { ($0.name, $0.size) })
  }

  @Test("One width is cut into two counts of heads")
  func cutTwice() throws {
    let C = Axis("C", 6)
    let sizes = try cut([
      (C, Axis("H", 2), Axis("D", 3)), (C, Axis("H2", 3), Axis("D2", 2)),
    ])
    #expect(sizes["C"] == 6 && sizes["H"] == 2 && sizes["D"] == 3)
  }

  @Test("Heads of one depth cut two widths")
  func cutSharedDepth() throws {
    let (C, H, D) = (Axis("C", 12), Axis("H", 6), Axis("D", 2))
    let sizes = try cut([(C, H, D), (2 * C, Axis("H2", 12), D)])
    #expect(sizes["D"] != nil && sizes["B"] == 2)
  }

  @Test("A width is written as heads times depth, or is odd")
  func cutProduct() throws {
    let (H, D) = (Axis("H", 8), Axis("D", 16))
    let sizes = try cut([(H * D, H, D)])
    #expect(sizes["H"].map { $0 <= 8 } == true && sizes["B"] == 2)
    #expect(try cut([(Axis("C", 25), Axis("H", 5), Axis("D", 5))])["B"] == 2)
    #expect(try cut([(Axis("C", 7), Axis("H", 7), Axis("D", 1))])["B"] == 2)
  }
}
