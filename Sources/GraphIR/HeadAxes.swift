/// The last axis read as heads side by side, where each of them is a row of its own.
///
///     f32[R…, C] read as f32[R…, H, D], C = H D
public struct HeadAxes: Hashable, Sendable {
  public var count: Axis
  public var depth: Axis

  public init(count: Axis, depth: Axis) {
    self.count = count
    self.depth = depth
  }

  func mapped(_ transform: (Axis) -> Axis) -> Self {
    Self(count: transform(count), depth: transform(depth))
  }

  /// Errors: rows sorted by expert, a width that is not the heads'.
  func check(_ op: String, _ x: TensorType) throws(Mismatch) {
    guard x.experts == nil, x.width == count.size * depth.size else {
      throw Mismatch("\(op): \(x) has not \(count.named) heads of \(depth.named)")
    }
  }

  /// A number for each row, or for each head of each row.
  static func rows(of x: TensorType, _ heads: HeadAxes?) -> TensorType {
    TensorType(.f32, x.axes.dropLast() + (heads.map { [$0.count] } ?? []), by: x.experts)
  }
}

extension HeadAxes {
  /// As an op's text says it; nil where it says nothing of heads.
  init?(_ reader: inout AttributeReader) throws(Mismatch) {
    guard reader.has("heads") else { return nil }
    let axes = try reader.axes("heads")
    guard axes.count == 2 else { throw Mismatch("\(reader.mnemonic): expected heads and depth") }
    self.init(count: axes[0], depth: axes[1])
  }
}

extension Attributes {
  func with(heads: HeadAxes?) -> Attributes {
    guard let heads else { return self }
    return with("heads", .axes([heads.count, heads.depth]))
  }
}
