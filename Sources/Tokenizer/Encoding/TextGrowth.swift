/// How much longer replacements make a text at most: the bytes of the result for each byte of it.
///
/// Steps are added from the last to the first. What a byte may become is known for the steps after
/// it, so a replacement spreads what its content becomes over the bytes of its pattern; patterns
/// that do not meet do not multiply.
struct TextGrowth {
  /// A file whose steps could do more is no tokenizer: Llama's make 4 bytes of one.
  static let most = 64.0
  /// Steps take time for every text, and no tokenizer has so many.
  static let mostSteps = 64

  private var ofByte = [Double](repeating: 1, count: 256)

  /// The most that any byte becomes.
  var largest: Double { ofByte.max() ?? 1 }

  mutating func add(_ pattern: [UInt8], replacedBy content: [UInt8]) {
    guard !pattern.isEmpty else { return }
    let share = total(content) / Double(pattern.count)
    for byte in Set(pattern) { ofByte[Int(byte)] = max(ofByte[Int(byte)], share) }
  }

  /// Text put before every part: it may stand before each single byte.
  mutating func add(prepended content: [UInt8]) {
    let more = total(content)
    for byte in ofByte.indices { ofByte[byte] += more }
  }

  /// Any bytes become any others, up to so many for one.
  mutating func add(factor: Double) {
    ofByte = [Double](repeating: largest * factor, count: 256)
  }

  private func total(_ content: [UInt8]) -> Double {
    content.reduce(0) { $0 + ofByte[Int($1)] }
  }
}

extension [Normalizer] {
  /// The most bytes that a byte becomes.
  var growth: Double {
    var growth = TextGrowth()
    for step in reversed() {
      switch step {
      case .prepend(let content): growth.add(prepended: content)
      case .replace(let pattern, let content): growth.add(pattern, replacedBy: content)
      // What Unicode's tables say of the characters that become longest.
      case .form(.composed), .form(.decomposed), .lowercase: growth.add(factor: 3)
      case .form(.compatiblyComposed), .form(.compatiblyDecomposed): growth.add(factor: 11)
      case .strip, .stripMarks: break
      }
    }
    return growth.largest
  }
}

extension [TokenDecoder] {
  /// The most bytes that a byte of a token becomes.
  var growth: Double {
    var growth = TextGrowth()
    for step in reversed() {
      switch step {
      case .replace(let pattern, let content): growth.add(pattern, replacedBy: content)
      // A byte that is no text becomes U+FFFD.
      case .byteLevel, .byteFallback: growth.add(factor: 3)
      case .fuse, .strip, .metaspace: break
      }
    }
    return growth.largest
  }
}
