import GraphIR

/// How texts of programs tell apart axes that have one name and another extent.
///
/// A pass's sequences and positions have their plain names. The model's whole batch or context is
/// marked where it has the name of a pass's: `T!` is all of the context, of which `T` may be less. `T~`
/// is a size that only happens to have the name, as the width of a learned table has; `'` marks
/// positions if sequences have the same name.
public struct AxisMarks: Hashable, Sendable {
  public let sequences: Axis.Symbol
  public let positions: Axis.Symbol

  public init(sequences: Axis, positions: Axis) {
    self.sequences = sequences.symbols[0]
    self.positions = positions.symbols[0]
  }

  /// The name under which texts have a symbol.
  public func name(of symbol: Axis.Symbol) -> String {
    switch symbol.extent {
    case .sequences: symbol.name
    case .positions: symbol.name == sequences.name ? symbol.name + "'" : symbol.name
    case .batch, .context: symbol.name + "!"
    case .whole, .received: isOfPass(symbol.name) ? symbol.name + "~" : symbol.name
    }
  }

  private func isOfPass(_ name: String) -> Bool {
    name == sequences.name || name == positions.name
  }

  /// The symbol of a name that is neither of a pass's.
  func symbol(named name: String, size: Int) -> Axis.Symbol {
    if name.last == "~" { return .init(name: String(name.dropLast()), size: size) }
    guard name.last == "!" else { return .init(name: name, size: size) }
    let plain = String(name.dropLast())
    return .init(name: plain, size: size, extent: plain == sequences.name ? .batch : .context)
  }

  /// The axis with its symbols named as texts have them.
  public func marked(_ axis: Axis) -> Axis {
    var axis = axis
    for index in axis.symbols.indices {
      axis.symbols[index].name = name(of: axis.symbols[index])
    }
    return axis
  }

  public func marked(_ type: TensorType) -> TensorType {
    TensorType(type.element, type.axes.map(marked), by: type.experts.map(marked))
  }
}
