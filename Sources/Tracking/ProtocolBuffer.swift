/// A protocol buffer message in the making: fields are appended as they are called.
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 {
    case variable = 0
    case eightBytes = 1
    case lengthDelimited = 2
    case fourBytes = 5
  }

  mutating func add(_ field: Int, _ value: Int64) {
    key(field, .variable)
    variable(UInt64(bitPattern: value))
  }

  mutating func add(_ field: Int, _ value: Double) {
    key(field, .eightBytes)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: Float) {
    key(field, .fourBytes)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: Int, _ text: String) {
    add(field, bytes: Array(text.utf8))
  }

  mutating func add(_ field: Int, _ message: ProtocolBuffer) {
    add(field, bytes: message.bytes)
  }

  private mutating func add(_ field: Int, bytes content: [UInt8]) {
    key(field, .lengthDelimited)
    variable(UInt64(content.count))
    bytes += content
  }

  private mutating func key(_ field: Int, _ type: WireType) {
    variable(UInt64(field) << 3 | type.rawValue)
  }

  private mutating func variable(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The bytes of a number, lowest first.
func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
