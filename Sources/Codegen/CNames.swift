import GraphIR
import Planning

/// How values, sizes and numbers are written in C.
enum CNames {
  /// Words that C, the generated files or their headers already use.
  private static let reserved: Set<String> = [
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict",
    "return",
    "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned",
    "void",
    "volatile", "while", "pass", "stream", "I", "NULL", "NAN", "INFINITY", "floats", "LANES",
    "PANEL",
    "KERNEL", "INLINE", "OUTLINE", "UNROLL", "MODEL_H",
  ]

  /// Names of arguments and variables, which an axis must not take: it is a constant for them all.
  private static let reservedForAxes: Set<String> = [
    "p", "s", "t", "g", "m", "l", "u", "x", "y", "d_x", "d_y", "logits", "loss", "rows", "width",
    "count", "first", "end", "training", "key", "rate", "i", "r", "c", "e", "o", "n", "k", "b", "w",
    "q", "own", "part",
    "v", "in", "out", "depth", "heads", "length", "base", "arena",
  ]

  /// A name from the model as a C identifier.
  static func identifier(_ name: String) -> String {
    var text = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    if text.first?.isNumber ?? true { text = "_" + text }
    return reserved.contains(text) ? text + "_" : text
  }

  /// A layer's name, which names its file, its structs and its functions.
  static func layer(_ name: String) -> String {
    let text = identifier(name)
    let taken = ["model", "adamw", "routes", "sources", "profile", "moec_model", "m", "l", "s"]
    return text != name || taken.contains(text) ? identifier(name + "_layer") : text
  }

  /// The constant of an axis.
  static func axis(_ name: String) -> String {
    let text = identifier(name)
    return reservedForAxes.contains(text) ? text + "_axis" : text
  }

  /// An axis as a C expression; sizes that are products keep the names of their factors.
  static func size(_ axis: Axis) -> String {
    var axis = axis
    axis.symbols = axis.symbols.map { .init(name: CNames.axis($0.name), size: $0.size) }
    return axis.expression
  }

  /// The product of axes, `1` for none.
  static func product(_ axes: some Sequence<Axis>) -> String {
    let factors = axes.map { axis in
      let text = size(axis)
      return axis.offset == 0 && axis.divisor == 1 ? text : "(\(text))"
    }
    return factors.isEmpty ? "1" : factors.joined(separator: "*")
  }

  /// The number of rows of a type, all axes but the last.
  static func rows(_ type: TensorType) -> String { product(type.axes.dropLast()) }

  /// The size of the last axis.
  static func width(_ type: TensorType) -> String { type.axes.last.map(size) ?? "1" }

  /// A shape for a comment: `[B, T, C]`.
  static func shape(_ type: TensorType) -> String {
    "[" + type.axes.map(size).joined(separator: ", ") + "]"
  }

  /// A number as a float constant: `0.1f`; infinite where it is too large for one.
  static func float(_ value: Double) -> String {
    let single = Float(value)
    if single.isNaN { return "NAN" }
    if single.isInfinite { return single < 0 ? "-INFINITY" : "INFINITY" }
    return "\(single)f"
  }

  /// The C type of an element.
  static func element(_ type: TensorType) -> String { type.element == .f32 ? "float" : "int32_t" }

  /// A text as a C string literal.
  static func literal(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
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
