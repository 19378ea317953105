import GraphIR
import Testing

@testable import Passes

@Suite struct FuseGatesTests {
  /// A gated unit of `gate` and `up`, with what the activation and the product are.
  private func gated(_ activation: String, _ product: String, then lines: String = "") -> String {
    """
    forward
    \(parameter(0, "gate", "T, C"))
    \(parameter(1, "up", "T, C"))
    %2 = pointwise(\(activation) : f32[T, C]
    %3 = pointwise(\(product) : f32[T, C]
    \(lines.isEmpty ? "%4 = sum(%3) {to []} : f32[]" : lines)
    return loss %4
    """
  }

  @Test func aGateIsOneOp() throws {
    let after = """
      forward
      \(parameter(0, "gate", "T, C"))
      \(parameter(1, "up", "T, C"))
      %2 = pointwise(%0, %1) {f x0 * sigmoid(x0) * x1} : f32[T, C]
      %3 = sum(%2) {to []} : f32[]
      return loss %3
      """
    try expect(
      .fuseGates.thenDropUnused, makes: after,
      of: gated("%0) {f x0 * sigmoid(x0)}", "%2, %1) {f x0 * x1}"))
  }

  @Test(arguments: [
    // Backward reads the result in place of the operand, or neither.
    ("%0) {f sigmoid(x0)}", "%2, %1) {f x0 * x1}"), ("%0) {f relu(x0)}", "%2, %1) {f x0 * x1}"),
    ("%0) {f 2.0 * x0}", "%2, %1) {f x0 * x1}"),
    // It would read one operand more.
    ("%0, %1) {f x0 + x1}", "%2, %1) {f x0 * x1}"),
    ("%0, %1) {f x0 * x0 + x1}", "%2, %1) {f x0 * x1}"),
    // No gradient reads the activation.
    ("%0) {f x0 * sigmoid(x0)}", "%2, %1) {f x0 + x1}"),
    ("%0) {f x0 * sigmoid(x0)}", "%2, %1) {f stop(x0) + x1}"),
    // Random numbers would be drawn again.
    ("%0) {f x0 * x0 * keep(stream 3, rate 0.5)}", "%2, %1) {f x0 * x1}"),
  ])
  func whatBackwardWouldReadAnywayStays(_ activation: String, _ product: String) throws {
    let text = gated(activation, product)
    try expect(.fuseGates.thenDropUnused, makes: text, of: text)
  }

  @Test func anActivationThatIsReadTwiceStays() throws {
    let text = gated(
      "%0) {f x0 * sigmoid(x0)}", "%2, %1) {f x0 * x1}",
      then: "%4 = pointwise(%2, %3) {f x0 + x1} : f32[T, C]\n%5 = sum(%4) {to []} : f32[]"
    ).replacing("return loss %4", with: "return loss %5")
    try expect(.fuseGates.thenDropUnused, makes: text, of: text)
  }

  /// Backward reads the two products, and nothing that is between them and the gated unit.
  @Test func backwardKeepsAValueLess() throws {
    let graph = try Graph(
      parsing: """
        graph "test"
        axis B 2
        axis T 5
        axis V 7
        axis C 6
        batch B
        context T
        vocabulary V
        optimizer adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01

        \(gated("%0) {f x0 * sigmoid(x0)}", "%2, %1) {f x0 * x1}"))

        """)
    let kept = try [[], [Pass.fuseGates]].map { passes in
      let differentiated = try Pass.differentiate.run(
        try passes.reduce(graph) { try $1.thenDropUnused.run($0) })
      let read = differentiated.nodes.filter { $0.phase == .backward }.flatMap(\.inputs)
      return Set(
        read.compactMap { value in
          let node = differentiated.nodes[value.node]
          return node.phase == .forward && node.op.kind == .pointwise ? value : nil
        }
      ).count
    }
    // The product gives its gradient the shape.
    #expect(kept == [2, 1])
  }
}
