import GraphIR
import Lowering

/// Runs a program in double precision, call by call: what shows without any C that a lowering step kept
/// the model's numbers.
///
/// Each call is computed by the interpreter of its op; what programs have beyond ops is done as kernels
/// do it: rows are gathered through `source`, several weights are as many products side by side, the
/// last step follows on the result.
public struct ProgramInterpreter: Sendable {
  public let program: Program

  /// How graphs are run: the batch, the parameters, the seed.
  private let interpreter: Interpreter

  /// - Parameter interpreter: of the graph that was lowered.
  public init(_ program: Program, like interpreter: Interpreter) {
    self.program = program
    self.interpreter = interpreter
  }

  /// Computes all outputs.
  ///
  /// - Throws: what the interpreter throws of tokens and parameters.
  public func run() throws(Diagnostic) -> ProgramRun {
    var run = ProgramRun(program: program)
    for source in program.sources {
      let node = Node(
        op: source.op, inputs: [], types: [program.type(of: source.value)],
        location: source.location)
      run.values[source.value] = try interpreter.evaluate(Site(node, [], []))[0]
    }
    for call in program.calls {
      let results = try results(of: call, in: run)
      for (binding, value) in zip(call.kernel.results, results) {
        run.values[binding.content] = value
      }
    }
    return run
  }

  private func results(
    of call: Program.Call, in run: ProgramRun
  ) throws(Diagnostic) -> [TensorValue] {
    guard let op = call.op else { return fit(call, in: run) }
    let bench = CallBench(op.mappingAxes(axis), call, interpreter) { value in
      .init(type: type(program.type(of: value)), value: run[value])
    }
    var results = try bench.results()
    for (place, finish) in call.kernel.finishes {
      let (made, extra) = (results[place], call.kernel.extras(of: place).map { run[$0].floats })
      results[place] = TensorValue(
        made.shape,
        interpreter.evaluate(finish.expression, made.count) { index, _ in
          index == 0 ? made.floats : extra[index - 1]
        })
    }
    return results
  }

  /// A tensor cut off where the pass has less, 0 where it has more.
  private func fit(_ call: Program.Call, in run: ProgramRun) -> [TensorValue] {
    zip(call.inputs, call.results).map { input, result in
      let shape = type(program.type(of: result)).shape
      let cut = run[input].cut(to: shape)
      var places = [0]
      for (size, length) in zip(shape, cut.shape) {
        places = places.flatMap { place in (0..<length).map { place * size + $0 } }
      }
      var floats = [Double](repeating: 0, count: shape.reduce(1, *))
      for (place, element) in zip(places, cut.floats) { floats[place] = element }
      return TensorValue(shape, floats)
    }
  }
}

// Sizes of this run.
extension ProgramInterpreter {
  /// An axis with as many positions as this run has, known by what the model writes.
  private func axis(_ axis: Axis) -> Axis {
    var sized = axis
    for index in sized.symbols.indices {
      switch sized.symbols[index].extent {
      case .sequences: sized.symbols[index].size = interpreter.sequences
      case .positions: sized.symbols[index].size = interpreter.length
      case .whole, .batch, .context, .received: break
      }
    }
    return Axis(symbol: .init(name: axis.written, size: sized.size))
  }

  private func type(_ type: TensorType) -> TensorType {
    TensorType(type.element, type.axes.map(axis), by: type.experts.map(axis))
  }
}

/// What a program's run computed.
public struct ProgramRun: Sendable {
  public let program: Program
  fileprivate(set) var values: [Value: TensorValue] = [:]

  /// A value of the program; it must have been computed.
  subscript(value: Value) -> TensorValue { values[value] ?? TensorValue([], [.nan]) }

  /// An output's value, if the program has it.
  public subscript(output: Output) -> TensorValue? {
    program.outputs.first { $0.output == output }.flatMap { values[$0.value] }
  }
}

/// An operand with its type in this run.
struct TypedValue {
  var type: TensorType
  var value: TensorValue
}

/// One call at work.
private struct CallBench {
  let op: Op
  let call: Program.Call
  let interpreter: Interpreter
  let operand: (Value) -> TypedValue

  init(
    _ op: Op, _ call: Program.Call, _ interpreter: Interpreter,
    _ operand: @escaping (Value) -> TypedValue
  ) {
    (self.op, self.call, self.interpreter, self.operand) = (op, call, interpreter, operand)
  }

  private var kernel: KernelCall<Value> { call.kernel }

  /// The results in the order in which the call lists them.
  func results() throws(Diagnostic) -> [TensorValue] {
    if kernel.partCount > 1 { return try resultsOfParts(kernel.partCount) }
    if case .pointwise(let op) = op { return [pointwise(op)] }
    let all = try evaluate(kernel.operands.flatMap { operands(of: $0) })
    if kernel.result(.projections) != nil { return [Self.sideBySide(all)] }
    return kernel.results.map { binding in
      zip(op.operation.resultRoles, all).first { $0.0 == binding.role }?.1 ?? all[0]
    }
  }

  /// The op's operands: rows gathered, projections apart, those of the last step left out.
  private func operands(of binding: KernelCall<Value>.Binding) -> [TypedValue] {
    let given = operand(binding.content)
    switch binding.role {
    case .extra: return []
    case _ where kernel.tellsRanksOnly(binding.role): return []
    case .source where kernel.gathersRows: return []
    case .rows where kernel.gathersRows: return [gathered(given)]
    case .projections: return Self.apart(given, projectedWidths(given.value.width))
    case _: return [given]
    }
  }

  /// How wide queries, keys and values are that lie side by side.
  private func projectedWidths(_ all: Int) -> [Int] {
    let attention: Attention? =
      switch op {
      case .attention(let op): op
      case .attentionGradient(let op): op.attention
      case _: nil
      }
    let group = attention?.group ?? 1
    let one = all / (group + 2)
    return [group * one, one, one]
  }

  /// The tokens' rows, sorted by expert.
  private func gathered(_ tokens: TypedValue) -> TypedValue {
    guard let start = kernel[.start].map(operand), let source = kernel[.source].map(operand) else {
      return tokens
    }
    let node = Node(op: .dispatch(Dispatch()), inputs: [], types: [])
    let rows = interpreter.dispatch(
      Site(
        node, [tokens.type, start.type, source.type], [tokens.value, start.value, source.value]))
    let experts = Axis("experts", start.value.count - 1)
    let type = TensorType(.f32, source.type.axes + tokens.type.axes.suffix(1), by: experts)
    return TypedValue(type: type, value: rows)
  }

  /// The result has its own shape: operands that only gave it one are none of the call's. Of a
  /// parameter that is longer than the pass the beginning is read.
  private func pointwise(_ op: Pointwise) -> TensorValue {
    let type = operand(call.results[0]).type
    let operands = kernel.all(.operand).map(operand)
    return TensorValue(
      type.shape,
      interpreter.evaluate(op.expression, type.count) { index, _ in
        let shape = type.axes(met: operands[index].type).map(\.size)
        let value = operands[index].value.cut(to: shape)
        return Interpreter.repeated(value, operands[index].type, as: type, type.count)
      })
  }

  private func evaluate(_ operands: [TypedValue]) throws(Diagnostic) -> [TensorValue] {
    let types = kernel.results.map { operand($0.content).type }
    let node = Node(op: op, inputs: [], types: types, location: call.location)
    return try interpreter.evaluate(Site(node, operands.map(\.type), operands.map(\.value)))
  }

  /// A product of several weights as so many products.
  private func resultsOfParts(_ count: Int) throws(Diagnostic) -> [TensorValue] {
    var made: [[TensorValue]] = []
    let weights = kernel.all(.weights).isEmpty ? kernel.results(.weights) : kernel.all(.weights)
    let outputs = weights.map { operand($0).type.axes.dropLast().last?.size ?? 1 }
    for part in 0..<count {
      let operands = kernel.part(part).operands.flatMap { binding in
        binding.role == .gradient && !kernel.keepsPartsApart
          ? [Self.apart(operand(binding.content), outputs)[part]] : self.operands(of: binding)
      }
      made.append(try evaluate(operands))
    }
    switch op.kind {
    case .linear:
      let parts = made.map { $0[0] }
      return kernel.keepsPartsApart ? parts : [Self.sideBySide(parts)]
    case .linearInputGradient:
      let sum = made.dropFirst().reduce(made[0][0].floats) { zip($0, $1[0].floats).map(+) }
      return [TensorValue(made[0][0].shape, sum)]
    case _:
      var next: [Role: Int] = [:]
      return kernel.results.map { binding in
        let part = next[binding.role, default: 0]
        next[binding.role] = part + 1
        return made[part][binding.role == .bias ? 1 : 0]
      }
    }
  }
}

extension CallBench {
  /// Tensors as the parts of each row of one.
  private static func sideBySide(_ parts: [TensorValue]) -> TensorValue {
    let floats = (0..<parts[0].rows).flatMap { row in parts.flatMap { $0.row(row) } }
    let width = parts.reduce(0) { $0 + $1.width }
    return TensorValue(parts[0].shape.dropLast() + [width], floats)
  }

  /// The parts of each row of a tensor as tensors of their own.
  private static func apart(_ all: TypedValue, _ widths: [Int]) -> [TypedValue] {
    var first = 0
    return widths.map { width in
      let floats = (0..<all.value.rows).flatMap { row in
        let start = row * all.value.width + first
        return all.value.floats[start..<start + width]
      }
      first += width
      let value = TensorValue(all.value.shape.dropLast() + [width], floats)
      return TypedValue(type: all.type.replacingLast(with: Axis("part", width)), value: value)
    }
  }
}
