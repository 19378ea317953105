/// An element and named axes: `f32[B, T, C]`, or `f32[B·T·K, C] by E` for rows sorted by expert.
public struct TensorType: Hashable, Sendable {
  public var element: Element
  public var axes: [Axis]

  /// The experts by which the rows (the first axis) are sorted, if they are.
  public var experts: Axis?

  public init(_ element: Element, _ axes: [Axis], by experts: Axis? = nil) {
    self.element = element
    self.axes = axes
    self.experts = experts
  }

  public static func f32(_ axes: Axis...) -> TensorType { TensorType(.f32, axes) }
  public static func i32(_ axes: Axis...) -> TensorType { TensorType(.i32, axes) }

  /// One number.
  public static let scalar = TensorType(.f32, [])

  /// The number of elements.
  public var count: Int { axes.reduce(1) { $0 * $1.size } }

  /// Bytes of all elements.
  public var bytes: Int { count * element.bytes }

  /// The sizes of the axes.
  public var shape: [Int] { axes.map(\.size) }

  /// The number of rows: the product of all axes but the last.
  public var rows: Int { axes.dropLast().reduce(1) { $0 * $1.size } }

  /// The size of the last axis, 1 for a scalar.
  public var width: Int { axes.last?.size ?? 1 }

  /// The type with another last axis.
  public func replacingLast(with axis: Axis) -> TensorType {
    TensorType(element, axes.dropLast() + [axis], by: experts)
  }
}

extension TensorType: CustomStringConvertible {
  public var description: String {
    let list = axes.map(\.description).joined(separator: ", ")
    return "\(element.rawValue)[\(list)]" + (experts.map { " by \($0)" } ?? "")
  }
}
