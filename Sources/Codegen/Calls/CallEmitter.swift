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
  func expression(_ operand: Operand) -> String {
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
    call.code.lines(self, CallText(call, expression))
  }

  /// A call of a C function, in as many lines as it takes.
  func invocation(_ function: String, _ arguments: [String]) -> [String] {
    PointwiseFunction.wrapped("\(function)(", arguments, ");")
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

// Calls that no op is, and elementwise ones.
extension CallEmitter {
  func stacked(_ kernel: String, _ c: CallText, packing: Bool) -> [String] {
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

  func copy(_ c: CallText) -> [String] {
    let count = CNames.product(c.type(.operand).axes)
    return ["memcpy(\(c.made(.output)), \(c[.operand]), sizeof(float) * \(count));"]
  }

  /// A copy with other extents: `fit(y, x, 2, (int[]){T, T}, (int[]){T, MODEL_CONTEXT});`.
  func fit(_ c: CallText) -> [String] {
    let sizes = [c.madeType(.output), c.type(.operand)].map { type in
      "(int[]){\(type.axes.map(CNames.size).joined(separator: ", "))}"
    }
    return invocation(
      "fit", [c.made(.output), c[.operand], "\(c.type(.operand).axes.count)"] + sizes)
  }

  func pointwise(_ op: Pointwise, _ c: CallText) -> [String] {
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
    return invocation(function.name, arguments)
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
