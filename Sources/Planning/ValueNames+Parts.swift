import GraphIR
import Lowering

/// Names of gradients that arrive in parts: `d_norm_from_gate` and `d_norm_from_noise`, which make
/// `d_norm` together.
extension ValueNames {
  /// What a value may be called, the best name first.
  func candidates(for value: Value, in scope: String) -> [String] {
    let name = name(of: value, in: scope)
    let maker = maker(of: value, in: scope)
    return name.hasSuffix("_from_" + maker) ? [name] : [name, name + "_from_" + maker]
  }

  /// Whether another call adds a value to the rest of the gradient that it is a part of.
  func isPart(_ value: Value, of target: Value) -> Bool {
    uses.readers(of: value).lazy.map { uses.program.calls[$0] }.contains { reader in
      reader.phase == .backward && reader.results.contains { gradientTarget(of: $0) == target }
    }
  }

  /// What makes a value, in a word: a layer with weights by its name, other ops by theirs.
  func maker(of value: Value, in scope: String) -> String {
    guard let call = uses.call(making: value), let op = call.op else { return "copy" }
    if case .pointwise(let op) = op {
      return op.expression.isSum ? "sum" : op.expression.streams.isEmpty ? "elementwise" : "dropout"
    }
    if call[.weights] != nil, call.scope != scope, let name = call.scope.split(separator: ".").last,
      Int(name) == nil
    {
      return Self.field(String(name), in: "")
    }
    return (op.gradient.map { type(of: $0).forward } ?? op.kind).inWords
  }
}

extension [String] {
  /// The first of these names that is not taken, and is from now on; behind the last of them goes a letter
  /// where all are.
  func firstNew(among taken: inout Set<String>) -> String {
    let letters = (UInt8(ascii: "b")...UInt8(ascii: "z")).map { "_" + String(UnicodeScalar($0)) }
    let all = self + letters.map { (last ?? "value") + $0 }
    if let name = all.first(where: { !taken.contains($0) }) {
      taken.insert(name)
      return name
    }
    return [(last ?? "value") + "_more"].firstNew(among: &taken)
  }
}
