/// Axes of an op's operands that it goes along together.
///
/// They have one size in the model. In a pass of fewer sequences or positions, what comes from the text
/// is shorter than a constant of the same name that it meets, of which the op then needs the beginning.
public typealias AxisMeeting = [AxisPlace]

/// An axis of an operand.
public struct AxisPlace: Hashable, Sendable {
  public var operand: Int
  public var axis: Int

  public init(_ operand: Int, _ axis: Int) {
    self.operand = operand
    self.axis = axis
  }

  /// The last axis of an operand.
  init(last operand: Int, _ inputs: [TensorType]) {
    self.init(operand, inputs[operand].axes.count - 1)
  }

  /// The leading axes of two operands, one by one.
  static func leading(_ a: Int, _ b: Int, count: Int) -> [AxisMeeting] {
    (0..<count).map { [AxisPlace(a, $0), AxisPlace(b, $0)] }
  }
}
