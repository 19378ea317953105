/// Numbers by pairs of tokens: a hash table with open addressing, for pairs that are only added.
struct PairTable: Sendable {
  private var keys: [UInt64]
  private var values: [Int32]
  private(set) var count = 0
  private var shift: UInt64

  /// No pair has this key: tokens are below 2^31.
  private static let empty = UInt64.max

  init(minimumCapacity: Int = 16) {
    var bits: UInt64 = 5
    while 1 << bits < 2 * minimumCapacity { bits += 1 }
    keys = Array(repeating: Self.empty, count: 1 << bits)
    values = Array(repeating: 0, count: 1 << bits)
    shift = 64 - bits
  }

  static func key(_ first: Int32, _ second: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
  }

  /// The pair of a key.
  static func pair(_ key: UInt64) -> (first: Int32, second: Int32) {
    (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key))
  }

  /// The number of a pair, nil if there is none.
  subscript(key: UInt64) -> Int32? {
    let slot = slot(of: key)
    return keys[slot] == key ? values[slot] : nil
  }

  /// Gives a pair its number, or another one.
  mutating func set(_ key: UInt64, _ value: Int32) {
    var slot = slot(of: key)
    if keys[slot] != key {
      if 2 * (count + 1) > keys.count {
        grow()
        slot = self.slot(of: key)
      }
      keys[slot] = key
      count += 1
    }
    values[slot] = value
  }

  private func slot(of key: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> shift)
    while keys[slot] != key && keys[slot] != Self.empty { slot = (slot + 1) & (keys.count - 1) }
    return slot
  }

  private mutating func grow() {
    var larger = PairTable(minimumCapacity: keys.count)
    for (key, value) in zip(keys, values) where key != Self.empty { larger.set(key, value) }
    self = larger
  }
}
