/// SHA-256 (FIPS 180-4), fed piece by piece; names cache entries by what they were made from.
struct SHA256 {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  /// The digest of `bytes`, in hexadecimal.
  static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  mutating func update(_ bytes: some Sequence<UInt8>) {
    let before = pending.count
    pending.append(contentsOf: bytes)
    length += UInt64(pending.count - before)
    absorbPending()
  }

  /// Appends the padding (one bit, zeros, the length in bits) and gives the digest in hexadecimal.
  mutating func finish() -> String {
    let bits = length * 8
    pending.append(0x80)
    pending.append(contentsOf: repeatElement(0, count: (120 - pending.count % 64) % 64))
    for shift in stride(from: 56, through: 0, by: -8) {
      pending.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    absorbPending()
    return state.map(Self.hexadecimal).joined()
  }

  private static func hexadecimal(_ word: UInt32) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  private mutating func absorbPending() {
    let whole = pending.count / 64 * 64
    guard whole > 0 else { return }
    pending.withUnsafeBufferPointer { bytes in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
        var offset = 0
        while offset < whole {
          Self.compress(&state, bytes, offset, schedule)
          offset += 64
        }
      }
    }
    pending.removeFirst(whole)
  }

  private static func compress(
    _ state: inout [UInt32], _ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int,
    _ w: UnsafeMutableBufferPointer<UInt32>
  ) {
    expand(bytes, offset, into: w)
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    constants.withUnsafeBufferPointer { k in
      var i = 0
      while i < 64 {
        let s1 = (e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)
        let first = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ k[i] &+ w[i]
        let s0 = (a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)
        let second = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        i += 1
      }
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  private static func expand(
    _ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int,
    into w: UnsafeMutableBufferPointer<UInt32>
  ) {
    var i = 0
    while i < 16 {
      let at = offset + 4 * i
      let high = UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16
      w[i] = high | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 3])
      i += 1
    }
    while i < 64 {
      let (x, y) = (w[i - 15], w[i - 2])
      let s0 = (x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ (x >> 3)
      let s1 = (y >> 17 | y << 15) ^ (y >> 19 | y << 13) ^ (y >> 10)
      w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
      i += 1
    }
  }
}
