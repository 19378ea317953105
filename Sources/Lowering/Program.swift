import GraphIR

/// A model as kernel calls in the order in which they are made: what the graph becomes before it is
/// known where anything lies.
///
/// A value type, as a graph is: a lowering step is a function from program to program, and
/// `ProgramVerifier` lists what always holds. Values keep the numbers that they had when the graph was
/// lowered, so that the texts before and after a step tell what it changed and nothing else.
public struct Program: Hashable, Sendable {
  public var name: String

  /// The axes of a pass's sequences and positions, of which there may be fewer than in training.
  public var sequences: Axis
  public var positions: Axis

  public var vocabulary: Axis

  /// Parameters and inputs, in order of creation.
  public var sources: [Source]
  public var calls: [Call]
  public var outputs: [Graph.OutputBinding]

  /// The type of every source and of every result of a call.
  public var types: [Value: TensorType]

  /// Why passes of generation cannot go on where others ended; nil if they can.
  public var recomputation: Recomputation?

  /// What is there before anything is called.
  public struct Source: Hashable, Sendable {
    public var value: Value

    /// A `parameter` or an `input`.
    public var op: Op

    /// What a parameter is to the model's own ops.
    public var role: ParameterRole?
    public var scope: String
    public var location: SourceLocation?
  }

  /// A kernel call and where it comes from.
  public struct Call: Hashable, Sendable {
    public var kernel: KernelCall<Value>
    public var phase: Phase

    /// The path of scopes in the model, and the use of `layers` that the call lies in.
    public var scope: String
    public var layer: LayerPath?
    public var location: SourceLocation?

    /// Where the further parts of a joined call come from, in their order.
    package var joined: [Origin] = []

    /// The graph's nodes that the call carries out, ascending.
    ///
    /// A node that several calls take over, as `dispatch` is by the products that gather rows
    /// themselves, belongs to each of them.
    public var nodes: [Int]

    /// What it costs at the full batch: the nodes that it carries out, each counted once in all calls.
    public var cost: Cost

    /// Whether the optimizer may update the weights whose gradients the call makes block by block,
    /// while they are in cache: nothing later reads either.
    public var updates = false
  }
}

extension Program {
  public func type(of value: Value) -> TensorType { types[value] ?? .scalar }

  /// Every parameter with its value, in order of creation.
  public var parameters: [(value: Value, parameter: Parameter)] {
    sources.compactMap { source in
      if case .parameter(let parameter) = source.op { (source.value, parameter) } else { nil }
    }
  }

  /// Every parameter with the random stream of its first values, as `Graph.parameterNumbers` says.
  public var numberedParameters: [(value: Value, parameter: Parameter, number: Int)] {
    let ordered = parameters.inDrawingOrder(\.parameter)
    return ordered.enumerated().map { ($1.value, $1.parameter, $0) }
  }

  /// For each call the number of its stretch: of neighbouring calls of one phase and layer.
  ///
  /// What a step joins within a stretch stays in the section that plans make of it, and so do the
  /// parameters that it reads.
  var stretches: [Int] {
    var number = 0
    return calls.indices.map { index in
      let isNew =
        index > 0
        && (calls[index].layer != calls[index - 1].layer
          || calls[index].phase != calls[index - 1].phase)
      number += isNew ? 1 : 0
      return number
    }
  }

  /// What all calls of a phase cost together.
  public func cost(_ phase: Phase) -> Cost {
    calls.reduce(.none) { $1.phase == phase ? $0 + $1.cost : $0 }
  }
}

extension Program.Call {
  public var op: Op? { kernel.op }
  public subscript(role: Role) -> Value? { kernel[role] }

  /// The values that the call reads, and those that it makes.
  public var inputs: [Value] { kernel.operands.map(\.content) }
  public var results: [Value] { kernel.results.map(\.content) }

  /// The operand that the graph's op has at a place, by its role; joined ones are all in one.
  public func operand(_ place: Int) -> Value? {
    let roles = op?.operation.operandRoles([]) ?? []
    guard roles.indices.contains(place) else { return nil }
    return self[roles[place]] ?? self[.projections]
  }

  /// Lets the call carry out what another did, as a further part of it.
  mutating func join(_ other: Program.Call) {
    takeOver(other)
    joined.append(Origin(other.scope, other.layer, other.location))
  }

  /// Lets the call carry out what another did.
  mutating func takeOver(_ other: Program.Call) {
    nodes = Set(nodes + other.nodes).sorted()
    cost += other.cost
  }
}

/// Who makes and who reads each value of a program.
public struct ProgramFacts: Sendable {
  /// The call that makes a value; none makes a source.
  public private(set) var maker: [Value: Int] = [:]

  /// The calls that read each value, ascending.
  public private(set) var readers: [Value: [Int]] = [:]

  /// What the caller is handed out.
  public private(set) var outputs: [Value: [Output]] = [:]

  public init(_ program: Program) {
    for (index, call) in program.calls.enumerated() {
      for value in call.results { maker[value] = index }
      for value in call.inputs where readers[value]?.last != index {
        readers[value, default: []].append(index)
      }
    }
    for binding in program.outputs { outputs[binding.value, default: []].append(binding.output) }
  }

  /// The calls that read a value.
  public func readers(of value: Value) -> [Int] { readers[value] ?? [] }

  /// Whether a call or the caller reads a value.
  public func isRead(_ value: Value) -> Bool {
    readers[value] != nil || outputs[value] != nil
  }
}

extension Program {
  /// Leaves calls out, and the types of what only they made.
  mutating func remove(_ indices: Set<Int>) {
    if indices.isEmpty { return }
    calls = calls.indices.filter { !indices.contains($0) }.map { calls[$0] }
    dropUnmadeTypes()
  }

  /// Forgets the types of values that nothing makes any more.
  mutating func dropUnmadeTypes() {
    let made = Set(sources.map(\.value) + calls.flatMap(\.results))
    types = types.filter { made.contains($0.key) }
  }

  /// Lets other values be read in the place of some.
  mutating func substitute(_ replaced: [Value: Value]) {
    if replaced.isEmpty { return }
    for index in calls.indices {
      for operand in calls[index].kernel.operands.indices {
        let value = calls[index].kernel.operands[operand].content
        calls[index].kernel.operands[operand].content = replaced[value] ?? value
      }
    }
    outputs = outputs.map { .init($0.output, replaced[$0.value] ?? $0.value) }
  }
}
