extension BinaryInteger {
  /// With its thousands apart: `8,996,545`.
  public var grouped: String {
    let digits = String(magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return self < 0 ? "-" + text : text
  }

  /// So many of something that takes an s where there is another number than one of it: `1 layer`,
  /// `1,200 characters`.
  public func of(_ noun: String) -> String { "\(grouped) \(noun)\(self == 1 ? "" : "s")" }
}

/// Floating-point operations, with the prefix that leaves some digits: `345 MFLOP`, `12.5 kFLOP`.
public func flopText(_ count: Int) -> String {
  count == 0 || count >= 50_000
    ? "\(tenths(count, of: 1_000_000)) MFLOP" : "\(tenths(count, of: 1_000)) kFLOP"
}

/// With a digit behind the point where there are few before it.
private func tenths(_ count: Int, of unit: Int) -> String {
  let tenths = (count + unit / 20) / (unit / 10)
  return tenths >= 1000 ? ((tenths + 5) / 10).grouped : "\(tenths / 10).\(tenths % 10)"
}
