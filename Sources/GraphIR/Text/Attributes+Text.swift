extension Attributes: CustomStringConvertible {
  /// `{epsilon 1e-05, heads [H], bias}`.
  public var description: String {
    "{" + entries.map(\.description).joined(separator: ", ") + "}"
  }
}

extension Attributes.Entry: CustomStringConvertible {
  public var description: String {
    switch content {
    case .flag: name
    case .integer(let value): "\(name) \(value)"
    case .number(let value): "\(name) \(value)"
    case .string(let value): "\(name) \(value.quoted)"
    case .axes(let axes): "\(name) [\(axes.map(\.description).joined(separator: ", "))]"
    case .expression(let expression): "\(name) \(expression)"
    case .initializer(let initializer): "\(name) \(initializer)"
    }
  }
}

extension Initializer: CustomStringConvertible {
  /// `zeros`, `normal(0.02)`, `kaimingNormal(fanIn 128)`, `xavierUniform(fanIn 128, fanOut 512)`.
  public var description: String {
    switch self {
    case .zeros: "zeros"
    case .ones: "ones"
    case .constant(let value): "constant(\(value))"
    case .normal(let deviation): "normal(\(deviation))"
    case .uniform(let bound): "uniform(\(bound))"
    case .kaimingNormal(let fanIn): "kaimingNormal(fanIn \(fanIn))"
    case .kaimingUniform(let fanIn): "kaimingUniform(fanIn \(fanIn))"
    case .xavierNormal(let fanIn, let fanOut): "xavierNormal(fanIn \(fanIn), fanOut \(fanOut))"
    case .xavierUniform(let fanIn, let fanOut): "xavierUniform(fanIn \(fanIn), fanOut \(fanOut))"
    }
  }
}

extension String {
  /// The string in quotes, with quotes, backslashes and control characters escaped.
  package var quoted: String {
    "\"" + unicodeScalars.map(Self.escaped).joined() + "\""
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    case "\t": "\\t"
    case "\r": "\\r"
    case _ where scalar.value < 0x20 || scalar.value == 0x7f:
      "\\u{\(String(scalar.value, radix: 16))}"
    case _: String(scalar)
    }
  }
}

extension UInt8 {
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  /// Whether a name can begin with the character: a letter or an underscore.
  var beginsName: Bool {
    let lower = self | 0x20
    return self == UInt8(ascii: "_")
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower)
  }

  var continuesName: Bool { beginsName || isDigit }

  /// Whether a file's name shows the character without quotes.
  var isPlainInPath: Bool {
    switch self {
    case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "+"): true
    case _: continuesName
    }
  }
}
