import GraphIR

/// An expression of C, and the variables that it uses of the function around it.
///
/// Interpolation puts expressions together, and what they use: `"\(rows)*\(width)"` uses whatever `rows`
/// and `width` do. What a literal names itself is known to every function: kernels and constants.
struct CExpression: Hashable, Sendable {
  let text: String
  let uses: Set<CVariable>

  /// Where a long one may be broken into lines; its text, if nowhere.
  let pieces: [String]

  init(_ text: String, using uses: Set<CVariable> = []) {
    (self.text, self.uses, pieces) = (text, uses, [text])
  }

  /// A list that may be broken at its commas, and at those of lists in it: `&(finish_operands){.width = C, .x1 = x}`.
  init(_ opening: String, _ elements: [CExpression], _ closing: String) {
    let all: CExpression = "\(opening)\(elements.joined(separator: ", "))\(closing)"
    (text, uses) = (all.text, all.uses)
    var pieces = elements.enumerated().flatMap { index, element in
      let isLast = index == elements.count - 1
      return element.pieces.dropLast() + element.pieces.suffix(1).map { $0 + (isLast ? "" : ",") }
    }
    if pieces.isEmpty { pieces = [""] }
    pieces[0] = opening + pieces[0]
    pieces[pieces.count - 1] += closing
    self.pieces = pieces
  }
}

extension CExpression {
  static let parameters = CExpression("p", using: [.given(.parameters)])
  static let gradients = CExpression("g", using: [.given(.gradients)])
  static let updates = CExpression("u", using: [.given(.updates)])
  static let saved = CExpression("s", using: [.given(.saved)])
  static let scratch = CExpression("t", using: [.given(.scratch)])
  static let pass = CExpression("pass", using: [.given(.pass)])
  static let stream = CExpression("stream", using: [.given(.stream)])
}

extension CExpression: ExpressibleByStringInterpolation {
  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""
    fileprivate var uses: Set<CVariable> = []

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ text: String) { self.text += text }
    mutating func appendInterpolation(_ number: Int) { text += "\(number)" }
    mutating func appendInterpolation(_ number: Double) { text += "\(number)" }
    mutating func appendInterpolation(_ expression: CExpression) {
      text += expression.text
      uses.formUnion(expression.uses)
    }
  }

  init(stringLiteral text: String) { self.init(text) }

  init(stringInterpolation parts: StringInterpolation) {
    self.init(parts.text, using: parts.uses)
  }
}

extension CExpression {
  /// The same where something is divided by it: in parentheses, if it is a product, as `a / b*c` is `(a / b)*c`.
  var asDivisor: CExpression {
    text.contains { "*/+-".contains($0) } ? "(\(self))" : self
  }
}

extension [CExpression] {
  func joined(separator: String) -> CExpression {
    CExpression(
      map(\.text).joined(separator: separator), using: reduce(into: []) { $0.formUnion($1.uses) })
  }
}

/// What a function has of the layer or the pass that it is called for.
enum CVariable: Hashable, Sendable {
  /// An argument.
  case given(LayerSignature.Part)

  /// How many sequences and positions the pass has.
  case sequences, positions

  /// What has a symbol's size; nil where that is a constant of the model.
  init?(sizeOf symbol: Axis.Symbol) {
    switch symbol.extent {
    case .sequences: self = .sequences
    case .positions: self = .positions
    case .whole, .batch, .context, .received: return nil
    }
  }
}
