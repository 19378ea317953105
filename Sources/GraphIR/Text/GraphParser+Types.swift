// Axes and tensor types: `4C/3`, `B·T·K`, `E+1`, `f32[B·T·K, C] by E`.
extension GraphParser {
  /// An axis: `[factor] [name {· name}] [/ divisor] [+ offset]`, of symbols declared before.
  mutating func axis() throws(Diagnostic) -> Axis {
    cursor.skipSpaces()
    let start = cursor.position
    let factor = cursor.seesDigit ? try cursor.integer("a factor") : nil
    let symbols = try symbolProduct()
    guard factor != nil || !symbols.isEmpty else { throw cursor.expected("an axis") }
    let divisor = cursor.accept("/") ? try cursor.integer("a divisor") : 1
    let offset = cursor.accept("+") ? try cursor.integer("an offset") : 0
    let axis = Axis(
      multiplier: factor ?? 1, divisor: divisor, symbols: symbols, offset: offset)
    guard axis.isWhole, (1...Cursor.largestInteger).contains(axis.size) else {
      throw cursor.failure(
        "the size of axis \(axis) is not a whole number from 1 to \(Cursor.largestInteger)",
        at: start)
    }
    return axis
  }

  private mutating func symbolProduct() throws(Diagnostic) -> [Axis.Symbol] {
    guard let first = try symbol() else { return [] }
    var product = [first]
    while cursor.accept("·") || cursor.accept("*") {
      guard let next = try symbol() else { throw cursor.expected("an axis name") }
      product.append(next)
    }
    return product
  }

  private mutating func symbol() throws(Diagnostic) -> Axis.Symbol? {
    cursor.skipSpaces()
    let start = cursor.position
    guard let name = cursor.axisName() else { return nil }
    guard let symbol = symbols[name] else {
      throw cursor.failure(
        "unknown axis \(name)", hint: "declare it above: axis \(name) 8", at: start)
    }
    return symbol
  }

  /// `[B, T]`, or `[]`.
  mutating func axisList() throws(Diagnostic) -> [Axis] {
    try cursor.expect("[")
    var axes: [Axis] = []
    if cursor.accept("]") { return axes }
    repeat { axes.append(try axis()) } while cursor.accept(",")
    try cursor.expect("]")
    return axes
  }

  /// `f32[B, T]`, `i32[]`, `f32[R, C] by E`.
  mutating func type() throws(Diagnostic) -> TensorType {
    cursor.skipSpaces()
    let start = cursor.position
    let name = try cursor.name("a type")
    guard let element = Element(rawValue: name) else {
      throw cursor.failure("unknown type \(name), expected f32 or i32", at: start)
    }
    let axes = try axisList()
    return TensorType(element, axes, by: cursor.accept("by") ? try axis() : nil)
  }

  /// Types separated by commas.
  mutating func types() throws(Diagnostic) -> [TensorType] {
    var types: [TensorType] = []
    repeat { types.append(try type()) } while cursor.accept(",")
    return types
  }
}
