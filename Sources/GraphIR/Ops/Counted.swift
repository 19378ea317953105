/// Which targets count: 1 for those, 0 for those that are ignored.
///
///     y[n] = 0 if targets[n] is -100, else 1    targets i32[B, T] -> y f32[B, T]
///
/// What is a mean over tokens, and is not to see those that nothing is learned from, is weighed by it.
///
/// Gradient: none.
public struct Counted: ForwardOperation {
  public static let kind = OpKind.counted
  public static let formula = "y[n] = 1 if targets[n] >= 0, else 0"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("counted", inputs, 1)
    try expectInteger("counted", inputs[0])
    return [TensorType(.f32, inputs[0].axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [nil] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .counted(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.targets] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try infer(pass.inputs)
  }
  public var resultNames: [String] { ["counted"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  /// A target is the token after its position.
  public func positions(_ inputs: [TensorType]) -> PositionRule { .joined("reads targets") }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [
      Sample("counted") { s in
        let C = Axis("C", 5)
        let counted = s.applyOne(.counted(Counted()), [s.targets()])
        let weighed = s.g.pointwise(
          .input(0) * .input(1), [s.operand("x", width: C), counted])
        return [weighed, s.applyOne(.sum(Sum(to: [C])), [weighed])]
      }
    ]
  }
}
