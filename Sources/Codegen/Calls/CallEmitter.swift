import GraphIR
import Lowering
import Planning

/// Writes one kernel call as C.
struct CallEmitter {
  let layer: Layer

  let functions: LayerFunctions

  /// Whether the call is for a thread's own sequences: the batch's axis then, else nil.
  let batch: Axis?

  /// The axis of positions, in models whose passes go on after those before.
  var kept: Axis?

  /// Whether rows hold several documents.
  var takesDocuments = false

  /// The shares that were dealt for a call that is made together with others.
  var share: String?

  /// Where the rows of a call came from several ranks: how those of one of them are gone through.
  var arrival: Arrival?

  /// The shares of a call that is shared out: those dealt for it, or none.
  var shares: CExpression { share.map { "&\($0)" } ?? "NULL" }

  /// Where an operand is, as a C expression; of rows that came from ranks, where those of one begin.
  func expression(_ operand: Operand) -> CExpression {
    let place = place(of: operand)
    return arrival?.moved(place, operand) ?? place
  }

  /// Where all of an operand is.
  private func place(of operand: Operand) -> CExpression {
    switch operand.place {
    case .source(let kind): "\(CExpression.pass)->\(kind.rawValue)"
    case .parameter(let index):
      "\(CExpression.parameters)->\(CNames.field(layer.parameters[index].field))"
    case .gradient(let index):
      "\(CExpression.gradients)->\(CNames.field(layer.parameters[index].field))"
    case .borrowed(let index):
      CExpression(
        CNames.identifier(layer.borrowed[index].field), using: [.given(.borrowed(index))])
    case .saved: "\(CExpression.saved)->\(CNames.field(operand.name))"
    case .scratch: "\(CExpression.scratch)->\(CNames.field(operand.name))"
    case .argument(let index):
      CExpression(CNames.identifier(operand.name), using: [.given(.argument(index))])
    }
  }

  /// The call as C.
  func statement(_ call: Call) -> Statement {
    guard arrival == nil, let origin = call[.origin], let start = call[.start] else {
      return call.code.statement(self, CallText(call, seen, expression))
    }
    var inner = self
    let arrival = Arrival(call, start: start, origin: origin)
    inner.arrival = arrival
    return arrival.loop(place(of: start), place(of: origin), around: inner.statement(call))
  }

  /// A type as the call has it in C.
  func seen(_ type: TensorType) -> TensorType { arrival?.seen(type) ?? type }

  /// The key of a layer's stream for a tensor, of which each element draws so many numbers. A thread's
  /// own sequences go on where those before them end.
  func key(_ stream: Int, of type: TensorType, numbers: Int = 1) -> CExpression {
    let (pass, first) = (CExpression.pass, CExpression.stream)
    let number: CExpression = stream == 0 ? first : "\(first) + \(stream)"
    if let arrival { return arrival.key(number, of: type, numbers: numbers) }
    let key: CExpression = "random_key(\(pass)->seed, \(number))"
    guard let batch, type.leads(with: batch) else { return key }
    let elements = CNames.product(type.axes.dropFirst())
    let drawn: CExpression = numbers == 1 ? elements : "\(numbers)*\(elements)"
    return "key_from(\(key), (uint32_t)\(pass)->first*\(drawn))"
  }
}

// Calls that no op is, and elementwise ones.
extension CallEmitter {
  func stacked(_ kernel: String, _ c: CallText, packing: Bool) -> Statement {
    let (to, from) = (c.made(.output), c[.operand])
    let axes = c.type(.operand).axes.map(CNames.size)
    let (output, input) = (axes[axes.count - 2], axes[axes.count - 1])
    guard axes.count == 3 else {
      return Statement("\(kernel)(\(to), \(from), \(output), \(input));", function: kernel)
    }
    let panels: CExpression = "e * panels_size(\(output), \(input))"
    let rows: CExpression = "(size_t)e * \(output) * \(input)"
    let (toStart, fromStart) = packing ? (panels, rows) : (rows, panels)
    return Statement([
      Statement("for (int e = 0; e < \(axes[0]); e++) {"),
      Statement(
        "    \(kernel)(\(to) + \(toStart), \(from) + \(fromStart), \(output), \(input));",
        function: kernel),
      Statement("}"),
    ])
  }

  func copy(_ c: CallText) -> Statement {
    let count = CNames.product(c.type(.operand).axes)
    return Statement(
      "memcpy(\(c.made(.output)), \(c[.operand]), sizeof(float) * \(count));", function: "memcpy")
  }

  /// A copy with other extents: `fit(y, x, 2, (int[]){T, T}, (int[]){T, MODEL_CONTEXT});`.
  func fit(_ c: CallText) -> Statement {
    let sizes = [c.madeType(.output), c.type(.operand)].map { type -> CExpression in
      "(int[]){\(type.axes.map(CNames.size).joined(separator: ", "))}"
    }
    return Statement(
      calling: "fit", [c.made(.output), c[.operand], "\(c.type(.operand).axes.count)"] + sizes)
  }

  func pointwise(_ op: Pointwise, _ c: CallText) -> Statement {
    guard let function = functions.pointwise(c.call) else { return Statement([]) }
    let type = c.madeType(.output)
    let operands = c.call.kernel.all(.operand)
    var arguments =
      [c.made(.output)] + function.expression.inputs.map { expression(operands[$0]) }
    arguments +=
      function.isBroadcast
      ? [CNames.rows(type), CNames.width(type)] : [CNames.product(type.axes)]
    let types = operands.map { seen($0.type) }
    arguments += function.periods.map { PointwiseAccess.period(types[$0], in: type) }
    arguments += function.groups.map { PointwiseAccess.group(types[$0], in: type) }
    let draws = op.expression.draws
    arguments += draws.compactMap(\.rate).map([StreamDraw].inTraining)
    arguments += draws.map { key($0.stream, of: type, numbers: $0.numbers) }
    return Statement(calling: function.name, arguments)
  }
}

/// How inputs of a pointwise call with fewer axes than the result are read.
enum PointwiseAccess {
  static func access(_ input: TensorType, in result: TensorType) -> PointwiseFunction.Access {
    if input.axes.count == result.axes.count { return .element }
    if input.axes.isEmpty { return .single }
    guard let repetition = result.repetition(of: input) else { return .element }
    switch (repetition.before, repetition.after) {
    case (0, let columns): return columns == 1 ? .column : .columns
    case (let rows, 0): return rows == result.axes.count - 1 ? .row : .rows
    case (_, let columns): return columns == 1 ? .groups : .inner
    }
  }

  /// For `columns` the input's rows, for the others the result's rows until the input's next.
  static func period(_ input: TensorType, in result: TensorType) -> CExpression {
    switch access(input, in: result) {
    case .columns: CNames.product(result.axes(met: input).dropLast())
    case .rows, .groups, .inner:
      CNames.product(
        result.axes.dropFirst(result.repetition(of: input)?.before ?? 0).dropLast())
    case .element, .column, .row, .single: "1"
    }
  }

  /// For `inner` the input's rows that come in turn until they begin again.
  static func group(_ input: TensorType, in result: TensorType) -> CExpression {
    CNames.product(input.axes.dropFirst(result.repetition(of: input)?.before ?? 0).dropLast())
  }
}
