@testable import GraphIR

extension VerifierTests {
  static let headers = [
    BadGraph("no name", "the graph has no name") { $0.name = "" },
    BadGraph("name of two lines", "the graph's name \"a\\nb\" holds a control character") {
      $0.name = "a\nb"
    },
    BadGraph("learning rate", "the optimizer's learning rate cannot be -1.0") {
      $0.optimizer.learningRate = -1
    },
    BadGraph("beta1", "the optimizer's beta1 cannot be 1.0") { $0.optimizer.beta1 = 1 },
    BadGraph("beta2", "the optimizer's beta2 cannot be nan") { $0.optimizer.beta2 = .nan },
    BadGraph("epsilon", "the optimizer's epsilon cannot be 0.0") { $0.optimizer.epsilon = 0 },
    BadGraph("weight decay", "the optimizer's weight decay cannot be inf") {
      $0.optimizer.weightDecay = .infinity
    },
    BadGraph("size 0", "axis B has size 0, expected 1 to 2147483647") { $0.batch = Axis("B", 0) },
    BadGraph("huge size", "axis T has size 2147483648, expected 1 to 2147483647") {
      $0.context = Axis("T", 1 << 31)
    },
    BadGraph(
      "axis name",
      "axis name \"4x\" must be a letter or underscore, then letters, digits and underscores"
    ) { $0.vocabulary = Axis("4x", 7) },
    BadGraph("not whole", "axis V/3 has no whole size: V is 7") {
      $0.vocabulary = Axis("V", 7) / 3
    },
    BadGraph("division by 0", "axis V/0 has a factor, divisor or offset out of range: 1/0 + 0") {
      $0.vocabulary = Axis("V", 7) / 0
    },
    BadGraph("negative", "axis -2V has a factor, divisor or offset out of range: -2/1 + 0") {
      $0.vocabulary = -2 * Axis("V", 7)
    },
    BadGraph("product too large", "axis 2V has size 4294967294, expected 1 to 2147483647") {
      $0.vocabulary = 2 * Axis("V", .init(Int32.max))
    },
    BadGraph(
      "product overflows",
      "axis 2A·V·V has no whole size: A is 2, V is 2147483647, V is 2147483647"
    ) {
      let V = Axis("V", .init(Int32.max))
      $0.vocabulary = Axis("A", 2) * 2 * V * V
    },
  ]

  static let nodes = [
    BadGraph("input from nowhere", "input %99 does not exist (%2 embedding)") {
      $0.nodes[2].inputs[0].node = 99
    },
    BadGraph("negative input", "input %-1 does not exist (%2 embedding)") {
      $0.nodes[2].inputs[0].node = -1
    },
    BadGraph("no such result", "input %0.1 does not exist (%2 embedding)") {
      $0.nodes[2].inputs[0].result = 1
    },
    BadGraph("order", "input %4 is not a result of an earlier node (%2 embedding)") {
      $0.nodes[2].inputs[1] = Value(node: 4)
    },
    BadGraph("itself", "input %2 is not a result of an earlier node (%2 embedding)") {
      $0.nodes[2].inputs[1] = Value(node: 2)
    },
    BadGraph(
      "types", "types are f32[B, T], but the inputs make f32[B, T, C] (%2 embedding)"
    ) { $0.nodes[2].types[0].axes.removeLast() },
    BadGraph("mismatch", "embedding: expected i32, got f32[V, C] (%2 embedding)") {
      $0.nodes[2].inputs[0] = Value(node: 1)
    },
    BadGraph("two sizes", "axis C has two sizes, 4 and 5 (%3 parameter)") {
      let axes = [Axis("E", 3), Axis("C", 5)]
      $0.setOp(3, .parameter(Parameter(name: "gate", axes: axes, initializer: .zeros)))
    },
    BadGraph(
      "many elements", "f32[N, N] has too many elements, N (65536) by N (65536) (%3 parameter)"
    ) {
      let axes = [Axis("N", 65536), Axis("N", 65536)]
      $0.setOp(3, .parameter(Parameter(name: "gate", axes: axes, initializer: .zeros)))
      $0.nodes[3].types = [TensorType(.f32, axes)]
    },
    BadGraph("tokens", "tokens must be i32[B, T], not i32[T] (%0 input)") {
      $0.setOp(0, .input(Input(.tokens, [$0.context])))
      $0.nodes[0].types = [.i32($0.context)]
    },
    BadGraph("positions", "positions must be i32[T], not i32[B, T] (%0 input)") {
      $0.setOp(0, .input(Input(.positions, [$0.batch, $0.context])))
    },
    BadGraph("phases", "forward reads %16 of the backward phase (%17 crossEntropy)") {
      $0.nodes[16].phase = .backward
    },
    BadGraph("scope", "scope \"a\\u{0}\" holds a control character (%2 embedding, a\0)") {
      $0.nodes[2].scope = "a\0"
    },
    BadGraph("file", "file \"\\n\" holds a control character (%2 embedding)") {
      $0.nodes[2].location = SourceLocation(file: "\n", line: 1, column: 1)
    },
  ]
}
