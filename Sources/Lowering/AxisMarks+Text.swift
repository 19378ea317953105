import GraphIR

extension TextReader {
  /// `T 32`, the name marked if sequences have it too.
  package mutating func passAxis(_ extent: Axis.Extent) throws(Diagnostic) -> Axis {
    let name = try axisName()
    let plain = name.last == "'" ? String(name.dropLast()) : name
    let size = try integer("the size of axis \(name)")
    let symbol = Axis.Symbol(name: plain, size: size, extent: extent)
    guard declare(name, symbol) else { throw failure("axis \(name) is declared twice") }
    return Axis(symbol: symbol)
  }

  package mutating func declareAxis(_ marks: AxisMarks) throws(Diagnostic) {
    let name = try axisName()
    let size = try integer("the size of axis \(name)")
    guard declare(name, marks.symbol(named: name, size: size)) else {
      throw failure("axis \(name) is declared twice")
    }
  }

  /// `"block.0.mixture draws random numbers in every pass" @ makemoe.swift:25:23`.
  package mutating func recomputation() throws(Diagnostic) -> Recomputation {
    let reason = try string("the reason")
    return Recomputation(reason, at: accept("@") ? try location() : nil)
  }
}
