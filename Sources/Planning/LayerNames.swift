import GraphIR
import Lowering

/// What layers are called: what the model calls them, and where several that differ have one name, what tells
/// a further one from the first: `block`, `block_attention`, `block_without_dropout`.
struct LayerNames {
  private var taken: Set<String> = []

  /// What the first layer of each name is made of.
  private var first: [String: [String]] = [:]

  /// A name that no other layer has.
  ///
  /// - Parameters:
  ///   - words: what the layer is made of.
  ///   - isLast: whether it is the last of its uses in the model. This tells layers of one make apart, which
  ///     differ in what goes in and out.
  mutating func name(_ base: String, madeOf words: [String], isLast: Bool) -> String {
    guard let others = first[base] else {
      first[base] = words
      return [base].firstNew(among: &taken)
    }
    let more = words.filter { !others.contains($0) }
    let less = others.filter { !words.contains($0) }.map { "without_" + $0 }
    let differences = more + less + [isLast ? "last" : "next"]
    return (differences.map { "\(base)_\($0)" } + [base]).firstNew(among: &taken)
  }
}

extension LayerPlanner {
  /// What the layer is made of in forward, in words: the parts that the model names, then functions of
  /// elementwise loops, then ops; each once.
  var words: [String] {
    let calls = section.forward.map { program.calls[$0] }
    let parts = calls.map { call in
      let path = section.layer?.local(call.scope) ?? call.scope[...]
      return ValueNames.field(String(path.prefix { $0 != "." }), in: "")
    }
    let expressions = calls.flatMap { call -> [ScalarExpression] in
      let own: ScalarExpression? =
        if case .pointwise(let op) = call.op { op.expression } else { nil }
      return [own, call.kernel.finish?.expression].compactMap(\.self)
    }
    let ops = calls.compactMap { $0.op?.kind.inWords }
    var seen: Set<String> = [""]
    return (parts + expressions.flatMap(\.words) + ops).filter { seen.insert($0).inserted }
  }
}

extension ScalarExpression {
  /// What it computes beside sums and products.
  fileprivate var words: [String] {
    var words: [String] = []
    visit { part in
      switch part {
      case .unary(let function, _): words.append(function.rawValue)
      case .normal: words.append("noise")
      case .keep: words.append("dropout")
      case .binary(let function, _, _):
        if function.precedence == nil { words.append(function.rawValue) }
      case .input, .constant: break
      }
    }
    return words
  }
}

extension OpKind {
  /// `layer_norm`.
  var inWords: String {
    rawValue.reduce(into: "") { word, letter in
      word += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
    }
  }
}
