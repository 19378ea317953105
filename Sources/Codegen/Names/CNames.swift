import GraphIR
import Lowering
import Planning

/// How values, sizes and numbers are written in C.
enum CNames {
  /// The name of a parameter or buffer as a field of a layer's structs, where functions hide nothing.
  static func field(_ name: String) -> String {
    let text = plain(name)
    return CWords.takesFromFields(text) ? text + "_" : text
  }

  /// The name of an argument or of a function as a C identifier.
  static func identifier(_ name: String) -> String {
    let text = plain(name)
    return CWords.takesFromValues(text) ? text + "_" : text
  }

  /// A layer's name, which names its file, its structs and its functions.
  static func layer(_ name: String) -> String {
    let text = plain(name)
    return CWords.takesFromLayers(text) ? text + "_layer" : text
  }

  /// The constant of an axis.
  static func axis(_ name: String) -> String {
    let text = plain(name)
    return CWords.takesFromAxes(text) ? text + "_axis" : text
  }

  private static func plain(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  /// An axis as a C expression; sizes that are products keep the names of their factors.
  static func size(_ axis: Axis) -> CExpression {
    CExpression(axis.expression(size), using: Set(axis.symbols.compactMap(CVariable.init(sizeOf:))))
  }

  /// A constant of the model, or a variable that has as many as this pass.
  private static func size(_ symbol: Axis.Symbol) -> String {
    switch symbol.extent {
    case .batch: "MODEL_BATCH"
    case .context: "MODEL_CONTEXT"
    case .received: symbol.name
    case .sequences where symbol.name.hasPrefix("("): "sequences"
    case .positions where symbol.name.hasPrefix("("): "length"
    case .whole, .sequences, .positions: axis(symbol.name)
    }
  }

  /// The product of axes, `1` for none.
  static func product(_ axes: some Sequence<Axis>) -> CExpression {
    let factors = axes.map { axis -> CExpression in
      let factor = size(axis)
      return axis.offset == 0 && axis.divisor == 1 ? factor : "(\(factor))"
    }
    return factors.isEmpty ? "1" : factors.joined(separator: "*")
  }

  /// The number of rows of a type, all axes but the last.
  static func rows(_ type: TensorType) -> CExpression { product(type.axes.dropLast()) }

  /// The size of the last axis.
  static func width(_ type: TensorType) -> CExpression { type.axes.last.map(size) ?? "1" }

  /// A shape for a comment: `[B, T, C]`.
  static func shape(_ type: TensorType) -> String {
    "[" + type.axes.map { $0.expression { axis($0.name) } }.joined(separator: ", ") + "]"
  }

  /// A number as a float constant: `0.1f`; infinite where it is too large for one.
  static func float(_ value: Double) -> String {
    let single = Float(value)
    if single.isNaN { return "NAN" }
    if single.isInfinite { return single < 0 ? "-INFINITY" : "INFINITY" }
    return "\(single)f"
  }

  /// The C type of an element.
  static func element(_ type: TensorType) -> String {
    switch type.element {
    case .f32: "float"
    case .i32: "int32_t"
    }
  }

  /// A text as a comment of one line, whatever the text holds.
  ///
  /// A line of a comment that ends in a backslash, or in the trigraph of one, goes on with the next
  /// line, even if spaces follow.
  static func comment(_ text: String) -> String {
    let line = String(Substring("// " + text.onOneLine).trimmed)
    return line.hasSuffix("\\") || line.hasSuffix("??/") ? line + "." : line
  }

  /// A text as a C string literal.
  static func literal(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "?": result += result.last == "?" ? "\\?" : "?"  // two of them may begin a trigraph
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case " "..."~": result.unicodeScalars.append(scalar)
      default:
        // Octal escapes end after three digits, hexadecimal ones would swallow what follows.
        for byte in String(scalar).utf8 {
          let digits = String(byte, radix: 8)
          result += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }
      }
    }
    return result + "\""
  }
}
