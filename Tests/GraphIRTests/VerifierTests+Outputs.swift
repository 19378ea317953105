@testable import GraphIR

extension VerifierTests {
  static let attributes = [
    BadGraph("rate", "dropout's rate 1.0 is not in 0 ..< 1 (%12 pointwise)") {
      $0.setExpression(12, .input(0) * .keep(stream: 1, rate: 1))
    },
    BadGraph("attention's rate", "dropout's rate -0.5 is not in 0 ..< 1 (%18 attention)") {
      $0.setOp(
        18, .attention(Attention(heads: Axis("K", 2), scale: 1, rate: -0.5, stream: 3)))
    },
    BadGraph("scale", "scale cannot be nan (%18 attention)") {
      $0.setOp(18, .attention(Attention(heads: Axis("K", 2), scale: .nan)))
    },
    BadGraph("stream number", "stream cannot be -1 (%18 attention)") {
      $0.setOp(18, .attention(Attention(heads: Axis("K", 2), scale: 1, rate: 0.1, stream: -1)))
    },
    BadGraph("capacity", "capacity cannot be -1.0 (%6 route)") {
      $0.setOp(6, .route(Route(experts: Axis("E", 3), capacity: Capacity(factor: -1))))
    },
    BadGraph("constant", "a constant cannot be inf (%12 pointwise)") {
      $0.setExpression(12, .input(0) + .constant(.infinity))
    },
    BadGraph(
      "stream of an expression", "a random stream cannot have the number -3 (%12 pointwise)"
    ) {
      $0.setExpression(12, .input(0) + .normal(stream: -3))
    },
    BadGraph("negative input of an expression", "the expression reads input -1 (%12 pointwise)") {
      $0.setExpression(12, .input(-1))
    },
    BadGraph("depth", "the expression nests more than 200 functions (%12 pointwise)") {
      $0.setExpression(12, (0..<200).reduce(.input(0)) { f, _ in .unary(.tanh, f) })
    },
    BadGraph(
      "deviation", "a parameter cannot be initialized by normal(inf) (%1 parameter, table)"
    ) {
      $0.setInitializer(.normal(.infinity))
    },
    BadGraph(
      "fan",
      "a parameter cannot be initialized by xavierNormal(fanIn 1, fanOut 0) (%1 parameter, table)"
    ) { $0.setInitializer(.xavierNormal(fanIn: 1, fanOut: 0)) },
    BadGraph(
      "two rates",
      "random stream 1 is used for dropout with rate 0.1 and for dropout with rate 0.2"
        + " (%14 pointwise)"
    ) { $0.setExpression(14, .input(0) * .keep(stream: 1, rate: 0.2)) },
    BadGraph(
      "two meanings",
      "random stream 3 is used for normal numbers and for dropout with rate 0.1 (%18 attention)"
    ) { $0.setExpression(14, .input(0) * .normal(stream: 3)) },
  ]

  static let outputs = [
    BadGraph("parameter without a name", "a parameter has no name (%3 parameter)") {
      let axes = $0.nodes[3].types[0].axes
      $0.setOp(3, .parameter(Parameter(name: "", axes: axes, initializer: .zeros)))
    },
    BadGraph(
      "two of a name", "two parameters are named \"table\", first at a.swift:3:5 (%3 parameter)"
    ) {
      let axes = $0.nodes[3].types[0].axes
      $0.setOp(3, .parameter(Parameter(name: "table", axes: axes, initializer: .zeros)))
    },
    BadGraph("parameter's name", "name \"\\u{7}\" holds a control character (%3 parameter)") {
      let axes = $0.nodes[3].types[0].axes
      $0.setOp(3, .parameter(Parameter(name: "\u{7}", axes: axes, initializer: .zeros)))
    },
    BadGraph("two losses", "loss is returned twice") { $0.outputs.append($0.outputs[1]) },
    BadGraph("loss from nowhere", "loss is %21, which does not exist") {
      $0.outputs[1].value = Value(node: 21)
    },
    BadGraph("loss of a tensor", "loss must be f32[], but %15 is f32[B, T, V]") {
      $0.outputs[1].value = Value(node: 15)
    },
    BadGraph("logits", "logits must be f32[B, T, V], but %14 is f32[B, T, C]") {
      $0.outputs[0].value = Value(node: 14)
    },
    BadGraph("logits of the backward phase", "logits is %19 of the backward phase") {
      $0.outputs[0].value = Value(node: 19)
    },
    BadGraph(
      "a gradient that is a parameter",
      "gradient \"table\" is %1 itself, the parameter: nothing computes it"
    ) {
      $0.outputs[2].value = Value(node: 1)
    },
    BadGraph("gradient of nothing", "gradient \"x\": no such parameter") {
      $0.outputs[2].output = .gradient(parameter: "x")
    },
    BadGraph("gradient's type", "gradient \"table\" must be f32[V, C], but %17 is f32[]") {
      $0.outputs[2].value = Value(node: 17)
    },
  ]

  static let routes = [
    BadGraph(
      "dispatch", "%6, %6.1, %10.2 are not start, source and slot of one route (%11 dispatch)"
    ) {
      $0.nodes[11].inputs = [
        Value(node: 2), Value(node: 6), Value(node: 6, result: 1), Value(node: 10, result: 2),
      ]
    },
    BadGraph(
      "start", "start must be %6 of the route that sorted the rows, not %10 (%12 linear)"
    ) {
      $0.nodes[12] = Node(
        op: .linear(Linear(bias: false)),
        inputs: [Value(node: 7), Value(node: 8), Value(node: 10)], types: $0.nodes[9].types)
    },
    BadGraph(
      "slot", "slot must be %6.2 of the route that sorted the rows, not %10.2 (%13 combine)"
    ) { $0.nodes[13].inputs[2] = Value(node: 10, result: 2) },
    BadGraph(
      "two routes meet", "%9 and %11 are sorted by different routes, %6 and %10 (%12 pointwise)"
    ) {
      $0.setExpression(12, .input(0) + .input(1))
      $0.nodes[12].inputs = [Value(node: 9), Value(node: 11)]
    },
    BadGraph("not sorted", "the rows are not sorted (%21 combineGradient)") {
      $0.nodes.append(
        Node(
          op: .combineGradient(CombineGradient()),
          inputs: [
            Value(node: 14), Value(node: 14), Value(node: 5), Value(node: 6, result: 2),
          ], types: [$0.nodes[14].types[0], $0.nodes[5].types[0]], phase: .backward))
    },
    BadGraph(
      "op without sorted rows",
      "%12 has rows sorted by expert, which the op does not take (%21 softmaxGradient)"
    ) {
      $0.nodes.append(
        Node(
          op: .softmaxGradient(SoftmaxGradient()), inputs: [Value(node: 12), Value(node: 12)],
          types: $0.nodes[12].types, phase: .backward))
    },
  ]
}
