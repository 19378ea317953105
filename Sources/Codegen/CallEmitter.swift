import GraphIR
import Planning

/// Writes one kernel call as a line of C.
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
  private var shares: String { share.map { "&" + $0 } ?? "NULL" }

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
    let a = call.inputs.map(expression)
    let r = call.results.map { $0.map(expression) ?? "NULL" }
    if call.isFit { return fitLines(call, a[0], r[0]) }
    switch call.action {
    case .pack: return stacked("panels_from_rows", call, to: r[0], from: a[0], packing: true)
    case .unpack: return stacked("rows_from_panels", call, to: r[0], from: a[0], packing: false)
    case .copy:
      return [
        "memcpy(\(r[0]), \(a[0]), sizeof(float) * \(CNames.product(call.inputs[0].type.axes)));"
      ]
    case .op(.pointwise): return pointwiseLines(call, a, r)
    case .op(.crossEntropy):
      let arguments = [r[1], r[2], a[0], a[1], rows(call, 0), width(call, 0)]
      return ["if (\(a[1])) { \(r[0])[0] = cross_entropy(\(arguments.joined(separator: ", "))); }"]
    case .op(let op):
      guard let (name, arguments) = kernelCall(op, call, a, r) else { return [] }
      return PointwiseFunction.wrapped("\(name)(", arguments, ");")
    }
  }

  private func rows(_ call: Call, _ input: Int) -> String { CNames.rows(call.inputs[input].type) }
  private func width(_ call: Call, _ input: Int) -> String { CNames.width(call.inputs[input].type) }

  private func stacked(
    _ kernel: String, _ call: Call, to: String, from: String, packing: Bool
  ) -> [String] {
    let axes = call.inputs[0].type.axes.map(CNames.size)
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
  private func fitLines(_ call: Call, _ a: String, _ r: String) -> [String] {
    let types = [call.results[0]?.type, call.inputs[0].type].compactMap(\.self)
    let sizes = types.map { type in
      "(int[]){\(type.axes.map(CNames.size).joined(separator: ", "))}"
    }
    return PointwiseFunction.wrapped("fit(", [r, a, "\(types[0].axes.count)"] + sizes, ");")
  }

  private func pointwiseLines(_ call: Call, _ a: [String], _ r: [String]) -> [String] {
    guard let function = functions.pointwise(call), let type = call.results[0]?.type,
      case .op(.pointwise(let op)) = call.action
    else { return [] }
    var arguments = [r[0]] + function.expression.inputs.map { a[$0] }
    arguments +=
      function.isBroadcast
      ? [CNames.rows(type), CNames.width(type)] : [CNames.product(type.axes)]
    arguments += function.periods.map { PointwiseAccess.period(call.inputs[$0].type, in: type) }
    let draws = op.expression.draws
    arguments += draws.compactMap(\.rate).map([StreamDraw].inTraining)
    arguments += draws.map { key($0.stream, of: type, numbers: $0.numbers) }
    return PointwiseFunction.wrapped("\(function.name)(", arguments, ");")
  }

  /// The key of a layer's stream for a tensor, of which each element draws so many numbers. A thread's
  /// own sequences go on where those before them end.
  private func key(_ stream: Int, of type: TensorType, numbers: Int = 1) -> String {
    let key = "random_key(pass->seed, stream\(stream == 0 ? "" : " + \(stream)"))"
    guard let batch, type.leads(with: batch) else { return key }
    let elements = CNames.product(type.axes.dropFirst())
    return "key_from(\(key), (uint32_t)pass->first*\(numbers == 1 ? "" : "\(numbers)*")\(elements))"
  }
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
  /// The kernel's name and arguments; nil for what is no call.
  private func kernelCall(
    _ op: Op, _ call: Call, _ a: [String], _ r: [String]
  ) -> (String, [String])? {
    let types = call.inputs.map(\.type)
    switch op {
    case .input, .parameter, .pointwise, .crossEntropy: return nil
    case .embedding:
      return (
        "embedding", [r[0], a[1], a[0], CNames.product(types[0].axes), CNames.width(types[1])]
      )
    case .embeddingGradient(let op):
      return (
        "embedding_gradient",
        [
          r[0], a[1], a[0], CNames.product(types[0].axes), CNames.width(types[1]),
          CNames.size(op.entries),
        ]
      )
    case .linear, .linearInputGradient, .linearWeightGradient: return linearCall(op, call, a, r)
    case .attention, .attentionGradient, .splitHeads, .mergeHeads, .causalMask, .matmul, .transpose:
      return matrixCall(op, call, a, r)
    case .top, .topGradient, .route, .dispatch, .dispatchGradient, .combine, .combineGradient:
      return routingCall(op, call, a, r)
    case .layerNorm(let op):
      return (
        "layer_norm",
        r + a + [CNames.rows(types[0]), CNames.width(types[0]), CNames.float(op.epsilon)]
      )
    case .layerNormGradient:
      return normGradientCall(call, a, r, [CNames.rows(types[0]), CNames.width(types[0])])
    case .softmax:
      return ("softmax", [r[0], a[0], CNames.rows(types[0]), CNames.width(types[0])])
    case .softmaxGradient:
      return (
        "softmax_gradient", [r[0], a[0], a[1], CNames.rows(types[0]), CNames.width(types[0])]
      )
    case .crossEntropyGradient:
      return (
        "cross_entropy_gradient",
        [r[0], "\(a[0])[0]", a[1], a[2], a[3], a[4], CNames.rows(types[1]), CNames.width(types[1])]
      )
    case .sum(let op): return sumCall(op, types[0], a, r)
    }
  }

  /// Gradients of a layer norm's input, or of its parameters.
  private func normGradientCall(
    _ call: Call, _ a: [String], _ r: [String], _ sizes: [String]
  ) -> (String, [String]) {
    if call.results[0] == nil {
      return (
        "layer_norm_weight_gradient", [r[1], r[2], a[0], a[1], a[3], a[4]] + sizes + [shares]
      )
    }
    // The residual's gradient, if there is one, is the last input.
    let residual = call.finish == nil ? "NULL" : a[5]
    return ("layer_norm_input_gradient", [r[0]] + a[0..<5] + [residual] + sizes)
  }

  private func sumCall(_ op: Sum, _ type: TensorType, _ a: [String], _ r: [String]) -> (
    String, [String]
  ) {
    let kept = CNames.product(op.axes)
    if op.sumsLeading(of: type) {
      let summed = CNames.product(type.axes.dropLast(op.axes.count))
      return ("sum_leading", [r[0], a[0], summed, kept])
    }
    return ("sum_trailing", [r[0], a[0], kept, CNames.product(type.axes.dropFirst(op.axes.count))])
  }

  private func linearCall(
    _ op: Op, _ call: Call, _ a: [String], _ r: [String]
  ) -> (String, [String])? {
    let product = ProductOperands(op, call)
    let types = call.inputs.map(\.type)
    var name = product.experts == nil ? "" : "expert_"
    var arguments: [String]
    switch op.kind {
    case .linear:
      name += "linear"
      // The form with a last step takes gathered rows and rows as they lie.
      let isFinished = call.finish != nil && product.experts != nil
      arguments =
        [r[0], a[0]] + (product.source.map { [a[$0]] } ?? (isFinished ? ["NULL"] : []))
        + [a[1], product.bias.map { a[$0] } ?? "NULL"]
    case .linearInputGradient:
      name += "linear_input_gradient"
      arguments = [r[0], a[0], a[1]]
    case .linearWeightGradient:
      name += "linear_weight_gradient"
      arguments =
        [r[0], r.count > 1 && !call.isJoined ? r[1] : "NULL", a[0], a[1]]
        + (product.source.map { [a[$0]] } ?? [])
    case .input, .parameter, .pointwise, .sum, .embedding, .matmul, .transpose, .layerNorm,
      .softmax,
      .splitHeads, .mergeHeads, .causalMask, .attention, .top, .route, .dispatch, .combine,
      .crossEntropy, .embeddingGradient, .layerNormGradient, .softmaxGradient, .attentionGradient,
      .topGradient, .dispatchGradient, .combineGradient, .crossEntropyGradient:
      return nil
    }
    if product.source != nil && call.finish == nil { name += "_gathered" }
    arguments += product.start.map { [a[$0]] } ?? []
    arguments += [product.experts.map(CNames.size) ?? CNames.rows(types[0])]
    arguments += [CNames.size(product.inputs), CNames.size(product.outputs)]
    if op.kind == .linearWeightGradient {
      let joined = call.isJoined ? call.results.count : 1
      arguments += [update(call)] + (product.experts == nil ? ["\(joined)"] : []) + [shares]
    }
    if let finish = functions.finish(call), let type = call.results[0]?.type {
      name += "_finished"
      arguments += [finish.name, finishOperands(call, a, CNames.width(type))]
    }
    return (name, arguments)
  }

  /// What the optimizer needs to update the weights whose gradients a call makes.
  private func update(_ call: Call) -> String {
    guard let weights = call.updates else { return "NULL" }
    let field = "u->\(CNames.field(layer.parameters[weights.lowerBound].field))"
    return weights.count > 1 ? field : "&" + field
  }

  /// The compound literal of what a product's last step reads.
  func finishOperands(_ call: Call, _ a: [String], _ width: String) -> String {
    guard let finish = call.finish, let type = call.results[0]?.type else { return "NULL" }
    let extra = a.suffix(finish.operands)
    var fields = [".width = \(width)"]
    fields += extra.enumerated().map { ".x\($0.offset + 1) = \($0.element)" }
    let draws = finish.expression.draws
    if !draws.rates.isEmpty { fields.append(".rate = {\(draws.rates.joined(separator: ", "))}") }
    let keys = draws.map { key($0.stream, of: type, numbers: $0.numbers) }
    if !keys.isEmpty { fields.append(".key = {\(keys.joined(separator: ", "))}") }
    return "&(finish_operands){\(fields.joined(separator: ", "))}"
  }

  private func matrixCall(
    _ op: Op, _ call: Call, _ a: [String], _ r: [String]
  ) -> (String, [String])? {
    let type = call.inputs[0].type
    let axes = type.axes.map(CNames.size)
    let matrices = CNames.product(type.axes.dropLast(2))
    switch op {
    case .splitHeads(let op):
      return (
        "split_heads", [r[0], a[0], axes[0], CNames.size(op.heads), axes[1], CNames.size(op.depth)]
      )
    case .mergeHeads: return ("merge_heads", [r[0], a[0], axes[0], axes[1], axes[2], axes[3]])
    case .transpose:
      return ("transpose", [r[0], a[0], matrices, axes[axes.count - 2], axes[axes.count - 1]])
    case .causalMask(let op):
      return (
        "causal_mask",
        [r[0], a[0], matrices, axes[axes.count - 1], op.fill == .zero ? "0" : "-INFINITY"]
      )
    case .matmul(let op):
      let result = call.results[0]?.type.axes.map(CNames.size) ?? []
      let inner = op.transposeA ? axes[axes.count - 2] : axes[axes.count - 1]
      return (
        "matmul",
        [
          r[0], a[0], a[1], matrices, result[result.count - 2], result[result.count - 1], inner,
          op.transposeA ? "1" : "0", op.transposeB ? "1" : "0",
        ]
      )
    case .attention(let op):
      var sizes = attentionSizes(call, op.heads, op.scale, op.rate, op.stream)
      let isKept = kept.map(type.axes.contains) ?? false
      if isKept { sizes.insert("pass->past", at: 2) }
      return (
        "causal_attention" + (isKept ? "_after" : ""),
        r + parts(a, call) + [rowStride(call)] + sizes
      )
    case .attentionGradient(let op):
      let operands = [a[0], a[1]] + parts(Array(a[2...4]), call) + a[5...]
      let sizes = attentionSizes(call, op.heads, op.scale, op.rate, op.stream)
      return (
        "causal_attention_gradient",
        parts(call.isJoined ? [r[0], r[0], r[0]] : r, call) + operands
          + [rowStride(call), rowStride(call)] + sizes
      )
    case .input, .parameter, .pointwise, .sum, .embedding, .linear, .layerNorm, .softmax, .top,
      .route, .dispatch, .combine, .crossEntropy, .embeddingGradient, .linearInputGradient,
      .linearWeightGradient, .layerNormGradient, .softmaxGradient, .topGradient,
      .dispatchGradient, .combineGradient, .crossEntropyGradient:
      return nil
    }
  }

  /// Queries, keys and values: three tensors, or the parts of each row of one.
  private func parts(_ names: [String], _ call: Call) -> [String] {
    guard call.isJoined else { return names }
    let one = CNames.size(attentionWidth(of: call))
    return [names[0], "\(names[1]) + \(one)", "\(names[2]) + 2*\(one)"]
  }

  /// The width of all heads: that of y, or of dy.
  private func attentionWidth(of call: Call) -> Axis {
    let type = call.action.isGradient ? call.inputs[0].type : call.results[0]?.type
    return type?.axes.last ?? Axis(constant: 1)
  }

  private func rowStride(_ call: Call) -> String {
    CNames.size((call.isJoined ? 3 : 1) * attentionWidth(of: call))
  }

  private func attentionSizes(
    _ call: Call, _ heads: Axis, _ scale: Double, _ rate: Double, _ stream: Int
  ) -> [String] {
    let type = call.action.isGradient ? call.inputs[0].type : call.results[0]?.type
    let axes = type?.axes.map(CNames.size) ?? []
    let count = CNames.size(heads)
    // One number for each weight, [B, H, T, T].
    let weights = TensorType(
      .f32, [type?.axes.first, heads, type?.axes[1], type?.axes[1]].compactMap(\.self))
    let random =
      rate == 0 ? ["0", "0"] : ["pass->training ? \(rate) : 0", key(stream, of: weights)]
    return [axes[0], count, axes[1], "\(axes[2])/\(count)", CNames.float(scale)] + random
  }
}

/// Where a product's operands are among the inputs of its call.
struct ProductOperands {
  var experts: Axis?
  var bias: Int?
  var start: Int?
  var source: Int?
  var inputs: Axis
  var outputs: Axis

  /// The order is rows and weights (or dy and rows), bias, start, source, what the last step reads.
  init(_ op: Op, _ call: Call) {
    let types = call.inputs.map(\.type)
    let isWeightGradient = op.kind == .linearWeightGradient
    let weights = isWeightGradient ? call.results[0]?.type ?? types[1] : types[1]
    inputs = weights.axes[weights.axes.count - 1]
    outputs = weights.axes[weights.axes.count - 2]
    experts = weights.axes.count == 3 ? weights.axes[0] : nil
    if case .linear(let linear) = op, linear.bias { bias = 2 }
    if experts != nil { start = bias == nil ? 2 : 3 }
    let given = call.inputs.count - (call.finish?.operands ?? 0)
    if let start, start + 1 < given { source = start + 1 }
    // Weights that lie one after the other are one matrix, with the outputs of all.
    if call.isJoined { outputs = (isWeightGradient ? call.results.count : given - 1) * outputs }
  }
}

extension Action {
  fileprivate var isGradient: Bool {
    if case .op(.attentionGradient) = self { true } else { false }
  }
}
