import GraphIR
import Lowering
import Planning

/// Writes one kernel call as lines of C.
struct CallEmitter {
  let layer: Layer

  let functions: LayerFunctions

  /// Whether the call is for a thread's own sequences: the batch's axis then, else nil.
  let batch: Axis?

  /// The axis of positions, in models whose passes go on after those before.
  var kept: Axis?

  /// The shares that were dealt for a call that is made together with others.
  var share: String?

  /// The shares of a call that is shared out: those dealt for it, or none.
  var shares: String { share.map { "&" + $0 } ?? "NULL" }

  /// Where an operand is, as a C expression.
  private func expression(_ operand: Operand) -> String {
    switch operand.place {
    case .source(let kind): "pass->\(kind.rawValue)"
    case .parameter(let index): "p->\(CNames.field(layer.parameters[index].field))"
    case .gradient(let index): "g->\(CNames.field(layer.parameters[index].field))"
    case .borrowed(let index): CNames.identifier(layer.borrowed[index].field)
    case .saved: "s->\(CNames.field(operand.name))"
    case .scratch: "t->\(CNames.field(operand.name))"
    case .argument: CNames.identifier(operand.name)
    }
  }

  /// The call as lines of C, not indented.
  func lines(_ call: Call) -> [String] {
    let c = CallText(call, expression)
    switch call.action {
    case .pack: return stacked("panels_from_rows", c, packing: true)
    case .unpack: return stacked("rows_from_panels", c, packing: false)
    case .copy:
      let count = CNames.product(c.type(.operand).axes)
      return ["memcpy(\(c.made(.output)), \(c[.operand]), sizeof(float) * \(count));"]
    case .fit: return fitLines(c)
    case .op(.pointwise(let op)): return pointwiseLines(op, c)
    case .op(.crossEntropy):
      let arguments = [
        c.made(.maximum), c.made(.sum), c[.logits], c[.targets], c.rows(.logits), c.width(.logits),
      ].joined(separator: ", ")
      return ["if (\(c[.targets])) { \(c.made(.output))[0] = cross_entropy(\(arguments)); }"]
    case .op(.layerNormGradient): return normGradientLines(c)
    case .op(let op):
      guard let (name, arguments) = kernelCall(op, c) else { return [] }
      return PointwiseFunction.wrapped("\(name)(", arguments, ");")
    }
  }

  private func stacked(_ kernel: String, _ c: CallText, packing: Bool) -> [String] {
    let (to, from) = (c.made(.output), c[.operand])
    let axes = c.type(.operand).axes.map(CNames.size)
    let (output, input) = (axes[axes.count - 2], axes[axes.count - 1])
    guard axes.count == 3 else { return ["\(kernel)(\(to), \(from), \(output), \(input));"] }
    let panels = "e * panels_size(\(output), \(input))"
    let rows = "(size_t)e * \(output) * \(input)"
    return [
      "for (int e = 0; e < \(axes[0]); e++) {",
      "    \(kernel)(\(to) + \(packing ? panels : rows), \(from) + \(packing ? rows : panels), \(output), \(input));",
      "}",
    ]
  }

  /// A copy with other extents: `fit(y, x, 2, (int[]){T, T}, (int[]){T, MODEL_CONTEXT});`.
  private func fitLines(_ c: CallText) -> [String] {
    let sizes = [c.madeType(.output), c.type(.operand)].map { type in
      "(int[]){\(type.axes.map(CNames.size).joined(separator: ", "))}"
    }
    return PointwiseFunction.wrapped(
      "fit(", [c.made(.output), c[.operand], "\(c.type(.operand).axes.count)"] + sizes, ");")
  }

  private func pointwiseLines(_ op: Pointwise, _ c: CallText) -> [String] {
    guard let function = functions.pointwise(c.call) else { return [] }
    let type = c.madeType(.output)
    let operands = c.call.kernel.all(.operand)
    var arguments =
      [c.made(.output)] + function.expression.inputs.map { expression(operands[$0]) }
    arguments +=
      function.isBroadcast
      ? [CNames.rows(type), CNames.width(type)] : [CNames.product(type.axes)]
    arguments += function.periods.map { PointwiseAccess.period(operands[$0].type, in: type) }
    let draws = op.expression.draws
    arguments += draws.compactMap(\.rate).map([StreamDraw].inTraining)
    arguments += draws.map { key($0.stream, of: type, numbers: $0.numbers) }
    return PointwiseFunction.wrapped("\(function.name)(", arguments, ");")
  }

  /// Gradients of a layer norm's input, then of its parameters.
  private func normGradientLines(_ c: CallText) -> [String] {
    let sizes = [c.rows(.rows), c.width(.rows)]
    var lines: [String] = []
    if c.call.kernel.result(.rows) != nil {
      let operands = [.gradient, .rows, .weights, .mean, .deviation, .extra].map { c[$0] }
      lines += PointwiseFunction.wrapped(
        "layer_norm_input_gradient(", [c.made(.rows)] + operands + sizes, ");")
    }
    if c.call.kernel.results.contains(where: { $0.role != .rows }) || lines.isEmpty {
      let operands = [.gradient, .rows, .mean, .deviation].map { c[$0] }
      lines += PointwiseFunction.wrapped(
        "layer_norm_weight_gradient(",
        [c.made(.weights), c.made(.bias)] + operands + sizes + [shares], ");")
    }
    return lines
  }

  /// The key of a layer's stream for a tensor, of which each element draws so many numbers. A thread's
  /// own sequences go on where those before them end.
  func key(_ stream: Int, of type: TensorType, numbers: Int = 1) -> String {
    let key = "random_key(pass->seed, stream\(stream == 0 ? "" : " + \(stream)"))"
    guard let batch, type.leads(with: batch) else { return key }
    let elements = CNames.product(type.axes.dropFirst())
    return "key_from(\(key), (uint32_t)pass->first*\(numbers == 1 ? "" : "\(numbers)*")\(elements))"
  }
}

/// A call whose operands are C expressions, found by their roles.
struct CallText {
  let call: Call
  private let expression: (Operand) -> String

  init(_ call: Call, _ expression: @escaping (Operand) -> String) {
    self.call = call
    self.expression = expression
  }

  /// The operand of a role; `NULL` if the call has none.
  subscript(role: Role) -> String { call[role].map(expression) ?? "NULL" }

  /// All operands of a role.
  func all(_ role: Role) -> [String] { call.kernel.all(role).map(expression) }

  /// The result of a role; `NULL` if nothing reads it.
  func made(_ role: Role) -> String { call.kernel.result(role).map(expression) ?? "NULL" }

  func type(_ role: Role) -> TensorType { call[role]?.type ?? .scalar }
  func madeType(_ role: Role) -> TensorType { call.kernel.result(role)?.type ?? .scalar }
  func rows(_ role: Role) -> String { CNames.rows(type(role)) }
  func width(_ role: Role) -> String { CNames.width(type(role)) }
  func count(_ role: Role) -> String { CNames.product(type(role).axes) }
}

/// How inputs of a pointwise call with fewer axes than the result are read.
enum PointwiseAccess {
  static func access(_ input: TensorType, in result: TensorType) -> PointwiseFunction.Access {
    if input.axes.count == result.axes.count { return .element }
    if input.axes.isEmpty { return .single }
    if input.axes.map(\.written) == result.axes.suffix(input.axes.count).map(\.written) {
      return input.axes.count == 1 ? .column : .columns
    }
    return input.axes.count == result.axes.count - 1 ? .row : .rows
  }

  /// For `columns` the input's rows, for `rows` the result's rows for each of the input's numbers.
  static func period(_ input: TensorType, in result: TensorType) -> String {
    switch access(input, in: result) {
    case .columns: CNames.product(result.axes(met: input).dropLast())
    case .rows: CNames.product(result.axes.dropFirst(input.axes.count).dropLast())
    case .element, .column, .row, .single: "1"
    }
  }
}

extension CallEmitter {
  /// The kernel's name and arguments; nil for what is no call, or more than one.
  private func kernelCall(_ op: Op, _ c: CallText) -> (String, [String])? {
    switch op {
    case .input, .parameter, .pointwise, .crossEntropy, .layerNormGradient: return nil
    case .embedding:
      return (
        "embedding", [c.made(.output), c[.table], c[.ids], c.count(.ids), c.width(.table)]
      )
    case .embeddingGradient(let op):
      let sizes = [c.count(.ids), c.width(.gradient), CNames.size(op.entries)]
      return ("embedding_gradient", [c.made(.table), c[.gradient], c[.ids]] + sizes)
    case .linear, .linearInputGradient, .linearWeightGradient: return productCall(op, c)
    case .attention, .attentionGradient: return attentionCall(op, c)
    case .splitHeads, .mergeHeads, .causalMask, .matmul, .transpose: return matrixCall(op, c)
    case .top, .topGradient, .route, .dispatch, .dispatchGradient, .combine, .combineGradient:
      return routingCall(op, c)
    case .layerNorm(let op):
      let operands = [c.made(.output), c.made(.mean), c.made(.deviation)]
        + [.rows, .weights, .bias].map { c[$0] }
      return ("layer_norm", operands + [c.rows(.rows), c.width(.rows), CNames.float(op.epsilon)])
    case .softmax:
      return (
        "softmax", [c.made(.output), c[.operand], c.rows(.operand), c.width(.operand)]
      )
    case .softmaxGradient:
      return (
        "softmax_gradient",
        [c.made(.operand), c[.gradient], c[.output], c.rows(.gradient), c.width(.gradient)]
      )
    case .crossEntropyGradient:
      let operands = [.logits, .maximum, .sum, .targets].map { c[$0] }
      return (
        "cross_entropy_gradient",
        [c.made(.logits), "\(c[.gradient])[0]"] + operands + [c.rows(.logits), c.width(.logits)]
      )
    case .sum(let op): return sumCall(op, c)
    }
  }

  private func sumCall(_ op: Sum, _ c: CallText) -> (String, [String]) {
    let (kept, type) = (CNames.product(op.axes), c.type(.operand))
    if op.sumsLeading(of: type) {
      let summed = CNames.product(type.axes.dropLast(op.axes.count))
      return ("sum_leading", [c.made(.output), c[.operand], summed, kept])
    }
    let summed = CNames.product(type.axes.dropFirst(op.axes.count))
    return ("sum_trailing", [c.made(.output), c[.operand], kept, summed])
  }

  private func matrixCall(_ op: Op, _ c: CallText) -> (String, [String])? {
    let type = c.type(op.kind == .matmul ? .left : .operand)
    let axes = type.axes.map(CNames.size)
    let matrices = CNames.product(type.axes.dropLast(2))
    let moved = [c.made(.output), c[.operand]]
    switch op {
    case .splitHeads(let op):
      return (
        "split_heads", moved + [axes[0], CNames.size(op.heads), axes[1], CNames.size(op.depth)]
      )
    case .mergeHeads: return ("merge_heads", moved + axes[0..<4])
    case .transpose:
      return ("transpose", moved + [matrices, axes[axes.count - 2], axes[axes.count - 1]])
    case .causalMask(let op):
      let fill = op.fill == .zero ? "0" : "-INFINITY"
      return ("causal_mask", moved + [matrices, axes[axes.count - 1], fill])
    case .matmul(let op):
      let result = c.madeType(.output).axes.map(CNames.size)
      let inner = op.transposeA ? axes[axes.count - 2] : axes[axes.count - 1]
      return (
        "matmul",
        [
          c.made(.output), c[.left], c[.right], matrices, result[result.count - 2],
          result[result.count - 1], inner, op.transposeA ? "1" : "0", op.transposeB ? "1" : "0",
        ]
      )
    case .input, .parameter, .pointwise, .sum, .embedding, .linear, .layerNorm, .softmax,
      .attention, .top, .route, .dispatch, .combine, .crossEntropy, .embeddingGradient,
      .linearInputGradient, .linearWeightGradient, .layerNormGradient, .softmaxGradient,
      .attentionGradient, .topGradient, .dispatchGradient, .combineGradient,
      .crossEntropyGradient:
      return nil
    }
  }
}
