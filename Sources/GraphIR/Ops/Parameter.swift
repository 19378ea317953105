/// A tensor that stays from step to step: learned, or a state.
///
///     y f32[axes], drawn by `initializer`; `decays` says whether weight decay applies
///
/// A state has no gradient. When a step has updated the learned ones, it becomes what the graph's output
/// `.state` of its name was in the step's pass: what its rule made of it. One with a `signStep` moves by that
/// much, up where the output is above 0 and down where it is below. A frozen one stays as it is.
public struct Parameter: ForwardOperation {
  public static let kind = OpKind.parameter
  public static let formula = "y = the tensor of that name that the model keeps"

  public var name: String
  public var axes: [Axis]
  public var initializer: Initializer
  public var decays: Bool

  /// Whether a rule updates it, not a gradient.
  public var isState: Bool

  /// How far a state moves in a step in the direction that its rule gives; nil where the rule gives its
  /// new value.
  public var signStep: Double?

  /// Whether it keeps its values: no gradient of it is asked for.
  public var isFrozen: Bool

  /// What it is to which weight, if it is a part of a low-rank adapter.
  public var adapter: Adapter?

  /// Whether a gradient is to change it.
  public var isLearned: Bool { !isState && !isFrozen }

  public init(
    name: String, axes: [Axis], initializer: Initializer, decays: Bool = true,
    isState: Bool = false, signStep: Double? = nil, isFrozen: Bool = false,
    adapter: Adapter? = nil
  ) {
    self.name = name
    self.axes = axes
    self.initializer = initializer
    self.decays = decays
    self.isState = isState
    self.signStep = signStep
    self.isFrozen = isFrozen
    self.adapter = adapter
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("parameter", inputs, 0)
    return [TensorType(.f32, axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .parameter(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    var copy = self
    copy.axes = axes.map(transform)
    return copy
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    axes = axes.map(pass.axes.whole)
    return pass.wholeResults
  }
  public var resultNames: [String] { [""] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    Attributes().with("name", .string(name)).with("axes", .axes(axes))
      .with("init", .initializer(initializer)).with("undecayed", flag: !decays)
      .with("state", flag: isState).with("signStep", signStep.map { .number($0) })
      .with("frozen", flag: isFrozen).with("adapts", adapter.map { .string($0.weight) })
      .with("part", adapter.map { .string($0.part.rawValue) })
      .with("scale", adapter.map { .number($0.scale) })
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      name: try reader.string("name"), axes: try reader.axes("axes"),
      initializer: try reader.initializer("init"), decays: !reader.flag("undecayed"),
      isState: reader.flag("state"), signStep: try reader.optionalNumber("signStep"),
      isFrozen: reader.flag("frozen"), adapter: try Self.adapter(&reader))
  }

  private static func adapter(_ reader: inout AttributeReader) throws(Mismatch) -> Adapter? {
    guard let weight = try reader.optionalString("adapts") else { return nil }
    let word = try reader.string("part")
    guard let part = Adapter.Part(rawValue: word) else {
      throw Mismatch("parameter: an adapter has the parts a and b, not \(word)")
    }
    return Adapter(of: weight, part, scale: try reader.number("scale"))
  }

  public static var samples: [Sample] {
    [
      Sample("parameter shared by two uses") { s in
        let x = s.operand("x", width: Axis("C", 6))
        return [s.g.pointwise(.input(0) * .input(0), [x]), x]
      }
    ]
  }
}
