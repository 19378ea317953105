import Testing

@testable import GraphIR

/// A model and the one thing that is wrong with it.
struct BadGraph: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var expected: String
  var graph: Graph

  init(_ name: String, _ expected: String, _ change: (inout Graph) -> Void) {
    testDescription = name
    self.expected = expected
    graph = Graph.small
    change(&graph)
  }
}

extension Graph {
  /// tokens -> embedding -> two routed linear layers -> logits -> loss, with one gradient.
  static let small: Graph = {
    do {
      return try Graph(
        parsing: """
          graph "small"
          axis B 2
          axis T 3
          axis V 7
          axis C 4
          axis E 3
          axis K 2
          batch B
          context T
          vocabulary V @ model.swift:1:9
          optimizer adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01
          forward
          %0 = input {kind "tokens", axes [B, T]} : i32[B, T]
          %1 = parameter {name "table", axes [V, C], init normal(1.0)} : f32[V, C] \
          @ "table" a.swift:3:5
          %2 = embedding(%0, %1) : f32[B, T, C]
          %3 = parameter {name "gate", axes [E, C], init zeros} : f32[E, C]
          %4 = linear(%2, %3) : f32[B, T, E]
          %5 = top(%4) {chosen [K]} : f32[B, T, K], i32[B, T, K]
          %6 = route(%5.1) {experts [E]} : i32[E+1], i32[B·T·K], i32[B, T, K]
          %7 = dispatch(%2, %6, %6.1, %6.2) : f32[B·T·K, C] by E
          %8 = parameter {name "up", axes [E, C, C], init kaimingNormal(fanIn 4)} : f32[E, C, C]
          %9 = linear(%7, %8, %6) : f32[B·T·K, C] by E
          %10 = route(%5.1) {experts [E], capacity 0.5} : i32[E+1], i32[B·T·K], i32[B, T, K]
          %11 = dispatch(%2, %10, %10.1, %10.2) : f32[B·T·K, C] by E
          %12 = pointwise(%9) {f x0 * keep(stream 1, rate 0.1)} : f32[B·T·K, C] by E
          %13 = combine(%12, %5, %6.2) : f32[B, T, C]
          %14 = pointwise(%13) {f x0 + normal(stream 2)} : f32[B, T, C]
          %15 = linear(%14, %1) : f32[B, T, V]
          %16 = input {kind "targets", axes [B, T]} : i32[B, T]
          %17 = crossEntropy(%15, %16) : f32[], f32[B, T], f32[B, T]
          %18 = attention(%14, %14, %14) {heads [K], scale 0.5, rate 0.1, stream 3} \
          : f32[B, T, C], f32[B, K, T], f32[B, K, T]
          backward
          %19 = crossEntropyGradient(%15, %17.1, %17.2, %16, %17) : f32[B, T, V]
          %20 = linearWeightGradient(%19, %14) : f32[V, C]
          return logits %15
          return loss %17
          return gradient "table" %20
          """)
    } catch {
      Issue.record(error)
      return Graph(
        name: "", vocabulary: Axis("V", 1), context: Axis("T", 1), batch: Axis("B", 1))
    }
  }()

  /// Gives a node another op; types stay.
  mutating func setOp(_ index: Int, _ op: Op) { nodes[index].op = op }

  mutating func setExpression(_ index: Int, _ expression: ScalarExpression) {
    var pointwise = Pointwise(.input(0))
    pointwise.expression = expression
    nodes[index].op = .pointwise(pointwise)
  }

  mutating func setInitializer(_ initializer: Initializer) {
    let axes = nodes[1].types[0].axes
    nodes[1].op = .parameter(Parameter(name: "table", axes: axes, initializer: initializer))
  }
}
