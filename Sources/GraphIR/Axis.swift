/// A named axis with a static size, or a product of such: `C` (128), `4C` (512), `B·T·K`, `E+1`.
///
///     size = multiplier · ∏ symbols / divisor + offset
///
/// Axes are equal when they are written alike; sizes alone do not make two axes the same.
public struct Axis: Hashable, Sendable {
  /// One declared name and its size.
  public struct Symbol: Hashable, Sendable {
    public var name: String
    public var size: Int
    public var extent: Extent

    public init(name: String, size: Int, extent: Extent = .whole) {
      self.name = name
      self.size = size
      self.extent = extent
    }
  }

  /// How much of a symbol's size is there when a model runs: all of it in a graph, where a model is
  /// what it is in training; a plan tells apart what a pass may have less of.
  public enum Extent: Hashable, Sendable {
    case whole

    /// As many as the pass has sequences, or positions.
    case sequences, positions

    /// All sequences or positions of the model, where the same name is also said of a pass's.
    case batch, context

    /// As many rows as came from a rank.
    case received
  }

  public var multiplier: Int
  public var divisor: Int
  public var symbols: [Symbol]
  public var offset: Int

  public init(_ name: String, _ size: Int) {
    self.init(multiplier: 1, symbols: [Symbol(name: name, size: size)])
  }

  public init(symbol: Symbol) {
    self.init(multiplier: 1, symbols: [symbol])
  }

  /// An axis without a name: a plain number.
  public init(constant size: Int) {
    self.init(multiplier: size, symbols: [])
  }

  init(multiplier: Int, divisor: Int = 1, symbols: [Symbol], offset: Int = 0) {
    let common = Axis.greatestCommonDivisor(multiplier, divisor)
    self.multiplier = multiplier / common
    self.divisor = divisor / common
    self.symbols = symbols
    self.offset = offset
  }

  /// The number of positions along the axis; 0 if `isWhole` is false.
  public var size: Int { exactSize ?? 0 }

  /// Whether the size is a whole number that fits, which `C / 3` need not have.
  public var isWhole: Bool { exactSize != nil }

  private var exactSize: Int? {
    var product = multiplier
    for symbol in symbols {
      let (next, overflow) = product.multipliedReportingOverflow(by: symbol.size)
      if overflow { return nil }
      product = next
    }
    guard divisor != 0, product % divisor == 0 else { return nil }
    let (size, overflow) = (product / divisor).addingReportingOverflow(offset)
    return overflow ? nil : size
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a.magnitude, b.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    return max(1, Int(clamping: a))
  }
}

extension Axis {
  public static func * (a: Axis, b: Axis) -> Axis {
    Axis(
      multiplier: a.multiplier.multipliedClamping(b.multiplier),
      divisor: a.divisor.multipliedClamping(b.divisor), symbols: a.symbols + b.symbols)
  }

  public static func * (factor: Int, axis: Axis) -> Axis { Axis(constant: factor) * axis }

  public static func * (axis: Axis, factor: Int) -> Axis { factor * axis }

  public static func / (axis: Axis, divisor: Int) -> Axis {
    Axis(
      multiplier: axis.multiplier, divisor: axis.divisor.multipliedClamping(divisor),
      symbols: axis.symbols)
  }

  /// The axis with one more position, as offsets into rows need.
  public var plusOne: Axis {
    Axis(multiplier: multiplier, divisor: divisor, symbols: symbols, offset: offset + 1)
  }
}

extension Int {
  /// The product, or `Int.max` where it would not fit.
  fileprivate func multipliedClamping(_ other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}

extension Axis: CustomStringConvertible {
  /// As written in types: `C`, `4C`, `C/4`, `B·T·K`, `E+1`, `16`.
  public var description: String {
    var text = multiplier == 1 && !symbols.isEmpty ? "" : "\(multiplier)"
    text += symbols.map(\.name).joined(separator: "·")
    if divisor != 1 { text += "/\(divisor)" }
    if offset != 0 { text += "+\(offset)" }
    return text
  }

  /// As written for a reader of an error: `C (128)`.
  public var named: String { symbols.isEmpty ? "\(size)" : "\(self) (\(size))" }

  /// As a C expression: `4*C`, `C/4`, `B*T*K`.
  public var expression: String { expression(\.name) }

  /// As a C expression in which symbols have names of their own.
  public func expression(_ name: (Symbol) -> String) -> String {
    let factors =
      (multiplier == 1 && !symbols.isEmpty ? [] : ["\(multiplier)"])
      + symbols.map(name)
    var text = factors.joined(separator: "*")
    if divisor != 1 { text += "/\(divisor)" }
    if offset != 0 { text += " + \(offset)" }
    return text
  }
}
