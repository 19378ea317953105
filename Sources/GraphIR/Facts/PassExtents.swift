/// How far the axes of one node's operands reach in a pass that may have fewer sequences and positions
/// than the model.
///
/// Its op turns what there is into what it needs, and refuses what has no meaning for a shorter text.
public struct PassExtents {
  /// What the node reads, in place of what there is.
  public var inputs: [TensorType]

  /// The operands' types in the model's graph.
  public let plain: [TensorType]

  /// The types of the results with all of every axis.
  public let wholeResults: [TensorType]

  public let axes: PassAxes

  /// - Parameters:
  ///   - plain: the types of the node's operands in the model's graph.
  ///   - given: the same with their extents.
  public init(_ node: Node, _ plain: [TensorType], given: [TensorType], _ axes: PassAxes) {
    inputs = given
    self.plain = plain
    wholeResults = node.types.map(axes.whole)
    self.axes = axes
  }
}

extension PassExtents {
  /// The extent on which two namesakes agree: a pass's, if one of them is.
  func common(_ a: Axis, _ b: Axis, _ what: String) throws(Mismatch) -> Axis {
    if a == b || !b.isOfPass { return a }
    if !a.isOfPass { return b }
    throw Mismatch(
      "\(what): the sequences of a batch meet the positions of a text, both named \(a.written)",
      hint: "give the batch and the context axes of their own")
  }

  /// An axis that must be a constant.
  func demandWhole(
    _ axis: Axis, _ what: String, _ problem: String, hint: String
  ) throws(Mismatch) {
    if !axis.isOfPass { return }
    throw Mismatch(
      "\(what): \(problem) \(axis.written) (\(axis.size)), of which a shorter text has fewer",
      hint: hint)
  }

  /// Lets axes that the op goes along together reach equally far.
  mutating func meet(_ meetings: [AxisMeeting], _ what: String) throws(Mismatch) {
    for meeting in meetings {
      guard let first = meeting.first else { continue }
      var axis = inputs[first.operand].axes[first.axis]
      for place in meeting.dropFirst() {
        axis = try common(axis, inputs[place.operand].axes[place.axis], what)
      }
      for place in meeting { inputs[place.operand].axes[place.axis] = axis }
    }
  }

  /// Lets operands of one shape reach equally far along every axis.
  mutating func meet(alike operands: [Int], _ what: String) throws(Mismatch) {
    let rank = inputs[operands[0]].axes.count
    try meet((0..<rank).map { axis in operands.map { AxisPlace($0, axis) } }, what)
  }
}
