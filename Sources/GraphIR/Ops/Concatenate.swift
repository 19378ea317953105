/// Rows side by side.
///
///     y[r, :] = x₀[r, :], x₁[r, :], …    xₖ f32[R…, Cₖ] -> y f32[R…, C₀ + C₁ + …]
///
/// Gradient: dxₖ = `slice` of dy.
public struct Concatenate: ForwardOperation {
  public static let kind = OpKind.concatenate
  public static let formula = "y[r, :] = x0[r, :], x1[r, :], ..."

  /// The axis of the long rows, and of how many operands they are made.
  public var axis: Axis
  public var parts: Int

  public init(_ axis: Axis, of parts: Int) {
    self.axis = axis
    self.parts = parts
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("concatenate", inputs, parts)
    guard let first = inputs.first else { throw Mismatch("concatenate: expected an input") }
    try expectRank("concatenate", first, atLeast: first.experts == nil ? 1 : 2)
    for input in inputs {
      try expectFloat("concatenate", input)
      guard !input.axes.isEmpty, input.replacingLast(with: axis) == first.replacingLast(with: axis)
      else { throw Mismatch("concatenate: rows of \(first) and of \(input) differ") }
    }
    let width = inputs.reduce(0) { $0 + $1.width }
    guard width == axis.size else {
      throw Mismatch("concatenate: \(axis.named) is not the \(width) columns there are")
    }
    return [first.replacingLast(with: axis)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    var start = 0
    return node.inputs.map { input in
      guard let part = g.type(of: input).axes.last else { return nil }
      defer { start += part.size }
      return g.emitOne(.slice(Slice(part, from: start)), [dy])
    }
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .concatenate(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .rowByRow }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { inputs.map { _ in .operand } }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(transform(axis), of: parts)
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.demandWholeColumns("concatenate")
    try pass.meet(meetings(pass.plain), "concatenate")
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["joined"] }
  public var gradientFormulas: [String] { [Slice.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { Array(inputs.indices) }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { Array(0..<parts) }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs.flatMap { $0.axes.suffix(1) }, PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    inputs[0].axes.indices.dropLast().map { axis in
      inputs.indices.map { AxisPlace($0, axis) }
    }
  }

  public var attributes: Attributes {
    Attributes().with("axis", .axes([axis])).with("parts", .integer(parts))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(try reader.axis("axis"), of: max(0, try reader.integer("parts")))
  }

  public static var samples: [Sample] {
    [
      Sample("concatenate") { s in
        let (x, y) = (s.operand("x", width: Axis("C", 5)), s.operand("y", width: Axis("D", 17)))
        return [
          s.applyOne(.concatenate(Concatenate(Axis("J", 22), of: 2)), [x, y]),
          s.applyOne(.concatenate(Concatenate(Axis("L", 15), of: 3)), [x, x, x]),
        ]
      },
      Sample("concatenate sorted rows") { s in
        let (E, C, D) = (Axis("E", 4), Axis("C", 6), Axis("J", 12))
        let (weights, routed) = s.routing(experts: E, chosen: Axis("K", 2), capacity: 0.8)
        let rows = s.applyOne(.dispatch(Dispatch()), [s.operand("x", width: C)] + routed)
        let bent = s.g.pointwise(.unary(.tanh, .input(0)), [rows])
        let y = s.applyOne(.concatenate(Concatenate(D, of: 2)), [rows, bent])
        return [s.applyOne(.combine(Combine()), [y, weights, routed[2]])]
      },
    ]
  }
}
