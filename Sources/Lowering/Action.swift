import GraphIR

/// What a call does: an op of the graph, or what only programs and plans know.
public enum Action: Hashable, Sendable {
  case op(Op)

  /// A tensor brought to other extents of its axes: cut off, or with 0 added.
  case fit

  /// Row-major weights become panels.
  case pack

  /// Panels become row-major.
  case unpack

  /// A second copy, where one value is two parameters' gradient.
  case copy

  /// The name in texts: an op's own.
  public var name: String {
    switch self {
    case .op(let op): op.mnemonic
    case .fit: "fit"
    case .pack: "pack"
    case .unpack: "unpack"
    case .copy: "copy"
    }
  }

  /// The formula, in plain text.
  public var formula: String {
    switch self {
    case .op(.pointwise(let op)): "y = \(op.expression)"
    case .op(let op): type(of: op.operation).formula
    case .fit: "y = x, as far as both reach, else 0"
    case .pack: "row-major weights become panels"
    case .unpack: "panels become row-major"
    case .copy: "y = x"
    }
  }
}
