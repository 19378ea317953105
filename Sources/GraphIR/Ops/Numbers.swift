/// Whole numbers as floats, to calculate with: tokens, positions.
///
///     y[n, :] = ids[n]    ids i32[N…] -> y f32[N…, C], or f32[N…] without a width
///
/// Gradient: none, as whole numbers have none.
public struct Numbers: ForwardOperation {
  public static let kind = OpKind.numbers
  public static let formula = "y[n, :] = ids[n]"

  /// The last axis of the result, along which each number is repeated; nil: there is none.
  public var width: Axis?

  public init(width: Axis? = nil) { self.width = width }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("numbers", inputs, 1)
    try expectInteger("numbers", inputs[0])
    return [TensorType(.f32, inputs[0].axes + (width.map { [$0] } ?? []))]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [nil] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .numbers(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.ids] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(width: width.map(transform))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["numbers"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    Attributes().with("width", width.map { .axes([$0]) })
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(width: try reader.optionalAxis("width"))
  }

  public static var samples: [Sample] {
    [
      Sample("numbers of tokens") { s in
        let x = s.operand("x", [s.batch, s.context])
        let ids = s.applyOne(.numbers(Numbers()), [s.tokens()])
        return [s.g.pointwise(.input(0) * .input(1), [x, ids])]
      },
      Sample("numbers of positions", context: 19) { s in
        let x = s.operand("x", [s.batch, s.context])
        let positions = s.applyOne(.input(Input(.positions, [s.context])), [])
        let t = s.applyOne(.numbers(Numbers()), [positions])
        return [s.g.pointwise(.unary(.cos, .input(0) * .input(1)), [x, t])]
      },
      sample(width: 1),
      sample(width: 21),
    ]
  }

  private static func sample(width: Int) -> Sample {
    Sample("numbers along a width of \(width)", context: 19) { s in
      let C = Axis("C", width)
      let (x, turns) = (s.operand("x", width: C), s.operand("turns", [C]))
      let positions = s.applyOne(.input(Input(.positions, [s.context])), [])
      let t = s.applyOne(.numbers(Numbers(width: C)), [positions])
      return [s.g.pointwise(.input(0) * .unary(.sin, .input(1) * .input(2)), [x, t, turns])]
    }
  }
}
