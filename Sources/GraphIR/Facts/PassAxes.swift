/// The axes of which a pass may have less than the model.
public struct PassAxes: Sendable {
  public let sequences: Axis
  public let positions: Axis

  public init(sequences: Axis, positions: Axis) {
    self.sequences = sequences
    self.positions = positions
  }

  /// All of an axis, told from a pass's part of the same name.
  public func whole(_ axis: Axis) -> Axis {
    var axis = axis
    for index in axis.symbols.indices {
      if axis.symbols[index].name == sequences.symbols[0].name {
        axis.symbols[index].extent = .batch
      } else if axis.symbols[index].name == positions.symbols[0].name {
        axis.symbols[index].extent = .context
      }
    }
    return axis
  }

  public func whole(_ type: TensorType) -> TensorType {
    TensorType(type.element, type.axes.map(whole), by: type.experts.map(whole))
  }
}

extension Axis {
  /// Whether the axis is a pass's, or a product with one.
  public var isOfPass: Bool {
    symbols.contains { $0.extent == .sequences || $0.extent == .positions }
  }

  /// As the model writes the axis, whatever its extent.
  public var written: String { description.filter { $0 != "(" && $0 != ")" } }
}

extension TensorType {
  /// How an operand of fewer axes is repeated in an elementwise op.
  public func repetition(of operand: TensorType) -> Repetition? {
    Repetition(ofWritten: operand.axes, in: axes)
  }

  /// The axes that an operand meets, with the extents that they have here.
  public func axes(met by: TensorType) -> [Axis] { repetition(of: by)?.met(of: axes) ?? [] }
}
