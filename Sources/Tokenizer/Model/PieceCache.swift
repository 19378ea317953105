/// The tokens of pieces that were seen before: most of a text is words seen before.
struct PieceCache {
  private struct Entry {
    var hash: UInt64
    var piece: Int32
    var length: Int32
    var tokens: Int32
    /// 0 in a free slot: every piece that is kept has a token.
    var count: Int32 = 0
  }

  private var slots: [Entry]
  private var pieces: [UInt8] = []
  private var tokens: [Int32] = []
  private var count = 0

  /// Longer pieces hardly come twice.
  static let longest = 64
  private static let mostPieces = 1 << 18
  private static let free = Entry(hash: 0, piece: 0, length: 0, tokens: 0)

  init() { slots = Array(repeating: Self.free, count: 1 << 12) }

  /// A number that depends on all bytes.
  static func hash(_ piece: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash = UInt64(piece.count)
    for byte in piece { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    hash ^= hash >> 32
    return hash &* 0x9e37_79b9_7f4a_7c15
  }

  /// Appends a known piece's tokens; false if it is not known.
  func append(
    _ piece: UnsafeBufferPointer<UInt8>, _ hash: UInt64, to output: inout [Int32]
  ) -> Bool {
    let entry = slots[slot(of: piece, hash)]
    if entry.count == 1 {
      output.append(tokens[Int(entry.tokens)])
      return true
    }
    for index in Int(entry.tokens)..<Int(entry.tokens + entry.count) {
      output.append(tokens[index])
    }
    return entry.count > 0
  }

  /// Keeps a piece that is not known yet, while there is room.
  mutating func insert(
    _ piece: UnsafeBufferPointer<UInt8>, _ hash: UInt64, _ known: ArraySlice<Int32>
  ) {
    guard !known.isEmpty, count < Self.mostPieces else { return }
    if 2 * (count + 1) > slots.count { grow() }
    slots[slot(of: piece, hash)] = Entry(
      hash: hash, piece: Int32(pieces.count), length: Int32(piece.count),
      tokens: Int32(tokens.count), count: Int32(known.count))
    pieces.append(contentsOf: piece)
    tokens += known
    count += 1
  }

  private func slot(of piece: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1)
    while slots[slot].count > 0, !isEqual(slots[slot], piece, hash) {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private func isEqual(
    _ entry: Entry, _ piece: UnsafeBufferPointer<UInt8>, _ hash: UInt64
  ) -> Bool {
    guard entry.hash == hash, Int(entry.length) == piece.count else { return false }
    let start = Int(entry.piece)
    for index in 0..<piece.count where pieces[start + index] != piece[index] { return false }
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Self.free, count: 2 * old.count)
    for entry in old where entry.count > 0 {
      var slot = Int(truncatingIfNeeded: entry.hash >> 32) & (slots.count - 1)
      while slots[slot].count > 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = entry
    }
  }
}
