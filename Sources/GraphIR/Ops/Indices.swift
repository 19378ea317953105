/// The numbers of an axis's places: what functions along a width are made of.
///
///     y[i] = i    y f32[A]
///
/// It has no operands, and no gradient. Of the positions of a text it gives all that the model has; what a
/// pass has of them is `Numbers` of its positions.
public struct Indices: ForwardOperation {
  public static let kind = OpKind.indices
  public static let formula = "y[i] = i"

  public var axis: Axis

  public init(_ axis: Axis) { self.axis = axis }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("indices", inputs, 0)
    return [TensorType(.f32, [axis])]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .indices(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { Self(transform(axis)) }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    return try infer([])
  }
  public var resultNames: [String] { ["indices"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes().with("axis", .axes([axis])) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(try reader.axis("axis"))
  }

  public static var samples: [Sample] {
    [1, 6, 37].map { size in
      Sample("indices of \(size)") { s in
        let C = Axis("C", size)
        let x = s.operand("x", width: C)
        let places = s.applyOne(.indices(Indices(C)), [])
        let angle: ScalarExpression = .input(0) * (.input(1) + .constant(0.5))
        return [s.g.pointwise(.unary(.sin, angle), [x, places])]
      }
    }
  }
}
