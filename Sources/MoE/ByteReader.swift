/// Reads numbers and texts of a file's bytes, little end first; nil where they end too early.
struct ByteReader {
  private let bytes: [UInt8]
  var position: Int
  var limit: Int

  /// Nil for a place outside.
  init?(_ bytes: [UInt8], from position: Int = 0) {
    guard (0..<bytes.count).contains(position) else { return nil }
    (self.bytes, self.position, limit) = (bytes, position, bytes.count)
  }

  /// The next `size` bytes, 8 at most, as a number.
  mutating func integer(_ size: Int) -> UInt64? {
    guard size <= limit - position else { return nil }
    defer { position += size }
    return bytes[position..<position + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A number in groups of seven bits (LEB128).
  mutating func variable() -> UInt64? { groups()?.value }

  /// Such a number with a sign; nil also for one that does not fit.
  mutating func signed() -> Int? {
    guard let (value, bits) = groups() else { return nil }
    let unused = max(0, 64 - bits)
    return Int(Int64(bitPattern: value << UInt64(unused)) >> Int64(unused))
  }

  private mutating func groups() -> (value: UInt64, bits: Int)? {
    var (value, bits) = (0 as UInt64, 0)
    while let byte = integer(1) {
      if bits < 64 { value |= (byte & 0x7f) << UInt64(bits) }
      bits += 7
      if byte & 0x80 == 0 { return (value, bits) }
    }
    return nil
  }

  /// A text that ends with a byte of 0.
  mutating func text() -> String? {
    guard let end = bytes[position..<limit].firstIndex(of: 0) else { return nil }
    defer { position = end + 1 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  /// The place `length` bytes further on, if that is within.
  func end(after length: UInt64) -> Int? {
    length <= UInt64(limit - position) ? position + Int(length) : nil
  }
}
