import Foundation

/// Damages files in the ways in which files are damaged, or made to do damage; the same seed gives
/// the same files.
public struct Mutator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  /// SplitMix64.
  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }

  /// From 0 up to `count`, which is left out.
  public mutating func below(_ count: Int) -> Int {
    count < 1 ? 0 : Int(truncatingIfNeeded: next() >> 1) % count
  }

  private mutating func one<Element>(of elements: [Element]) -> Element {
    elements[below(elements.count)]
  }

  /// A place and some bytes from there on, none beyond the end.
  private mutating func piece(of bytes: [UInt8], upTo longest: Int) -> Range<Int> {
    let start = below(bytes.count)
    return start..<min(bytes.count, start + 1 + below(longest))
  }

  /// The file with one to eight changes.
  public mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0..<one(of: [1, 1, 1, 2, 3, 8]) {
      if bytes.isEmpty { bytes = [0x78] }
      change(&bytes)
    }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    switch below(12) {
    case 0: bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
    case 1: bytes.removeLast(below(bytes.count + 1))
    case 2: bytes.removeSubrange(piece(of: bytes, upTo: 60))
    case 3: bytes.insert(contentsOf: bytes[piece(of: bytes, upTo: 60)], at: below(bytes.count))
    case 4, 5: replaceNumber(&bytes)
    case 6: replaceWord(&bytes)
    case 7: bytes.insert(contentsOf: one(of: Self.oddTexts), at: below(bytes.count))
    case 8: nest(&bytes)
    case 9: repeatPiece(&bytes)
    case 10: shuffleParts(&bytes)
    default:
      let byte = one(of: [0, 0xff, 0x20, 0x30, 0x39, 0x0a] as [UInt8])
      for place in piece(of: bytes, upTo: 16) { bytes[place] = byte }
    }
  }

  /// A number that is written as text becomes another.
  private mutating func replaceNumber(_ bytes: inout [UInt8]) {
    let start = below(bytes.count)
    guard let first = bytes[start...].firstIndex(where: Self.isDigit) else { return }
    let end = bytes[first...].firstIndex { !Self.isDigit($0) && $0 != 0x2e } ?? bytes.count
    bytes.replaceSubrange(first..<end, with: Array(one(of: Self.numbers).utf8))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Four or eight bytes become a number, lowest byte first; the start of a file more often.
  private mutating func replaceWord(_ bytes: inout [UInt8]) {
    let width = one(of: [4, 8])
    guard bytes.count >= width else { return }
    let room = bytes.count - width
    let place = below(2) == 0 ? min(room, 4 * below(24)) : below(room + 1)
    let words: [UInt64] = [
      0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 20, 1 << 32, 1 << 40, 1 << 62,
      0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max, UInt64(bytes.count),
      UInt64(bytes.count) &- 8,
    ]
    let word = one(of: words)
    for index in 0..<width { bytes[place + index] = UInt8(truncatingIfNeeded: word >> (8 * index)) }
  }

  private mutating func nest(_ bytes: inout [UInt8]) {
    let opening = one(of: [
      "[", "{\"a\":", "(", "-", "\"", "{", "}", "]", ",", "tanh(", "x0 + (", "{a,b}", "{l}", "a·",
      "\u{301}\u{323}",
    ])
    let count = one(of: [1, 3, 17, 70, 600, 5000])
    bytes.insert(
      contentsOf: Array(String(repeating: opening, count: count).utf8), at: below(bytes.count))
  }

  private mutating func repeatPiece(_ bytes: inout [UInt8]) {
    let range = piece(of: bytes, upTo: 40)
    let copies = repeatElement(bytes[range], count: one(of: [10, 100, 1000])).joined()
    bytes.insert(contentsOf: Array(copies), at: range.lowerBound)
  }

  /// Lines, members or words are left out, doubled or exchanged.
  private mutating func shuffleParts(_ bytes: inout [UInt8]) {
    let separator = one(of: [0x0a, 0x2c, 0x20] as [UInt8])
    var parts = bytes.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count > 1 else { return }
    let (first, second) = (below(parts.count), below(parts.count))
    switch below(3) {
    case 0: parts.remove(at: first)
    case 1: parts.insert(parts[first], at: second)
    default: parts.swapAt(first, second)
    }
    bytes = Array(parts.joined(separator: [separator]))
  }

  private static let numbers = [
    "0", "-1", "1", "2", "3", "7", "255", "256", "65535", "65536", "65537", "2147483647",
    "2147483648", "-2147483648", "4294967295", "4294967296", "1099511627776",
    "1152921504606846976", "4611686018427387904", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "1e308", "-1e308", "1e309", "1e-320", "NaN",
    "Infinity", "-0", "0.5", "1e18", "9.3e18", "null", "true", "[]", "{}", "\"\"", "\"x\"",
    "999999999999999999999999999999", "0x10", "1.0", "\u{661}",
  ]

  private static let oddTexts: [[UInt8]] =
    [
      [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0],
      [0xef, 0xbb, 0xbf], [0xe2, 0x80, 0xae], [0x0d], [0x0d, 0x0a],
    ] + ["\\ud800", "\\u0000", "e\u{301}", "\u{2028}"].map { Array($0.utf8) }
}

/// Damaged files for one reader: every one must be taken or refused, in bounded time.
public struct Damaged {
  /// Files that were begun from.
  private let seeds: [[UInt8]]
  private let count: Int

  /// `count` files in an ordinary run of the tests; `MOEC_DAMAGED_FILES=100` makes a hundred times
  /// as many. Where one ends the process, `MOEC_DAMAGED_KEEP=FILE` has it kept in a file.
  public init(_ seeds: [[UInt8]], count: Int = 200) {
    self.seeds = seeds
    let factor = ProcessInfo.processInfo.environment["MOEC_DAMAGED_FILES"].flatMap { Int($0) } ?? 1
    self.count = count * factor
  }

  /// Gives every file to a reader; returns how many it took, and the files that took too long.
  ///
  /// A reader is too slow if it needs more than `seconds` of the processor's time, by far more than
  /// any of these small files has a reason for.
  public func read(
    seconds: Double = 5, _ reader: ([UInt8]) throws -> Void
  ) -> (taken: Int, slow: [String]) {
    var taken = 0
    var slow: [String] = []
    let keep = ProcessInfo.processInfo.environment["MOEC_DAMAGED_KEEP"]
    for index in 0..<count {
      var mutator = Mutator(seed: UInt64(index))
      let bytes = mutator.mutate(seeds[mutator.below(seeds.count)])
      if let keep { try? Data(bytes).write(to: URL(fileURLWithPath: keep)) }
      let start = Self.processorTime()
      if (try? reader(bytes)) != nil { taken += 1 }
      let time = Self.processorTime() - start
      if time > seconds { slow.append("file \(index) of \(bytes.count) bytes took \(time) s") }
    }
    return (taken, slow)
  }

  /// Seconds that this thread has worked: others may keep it waiting.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
