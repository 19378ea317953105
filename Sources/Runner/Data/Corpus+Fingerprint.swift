extension Corpus {
  /// A number that another text almost surely does not have: FNV-1a over the tokens and where the
  /// parts meet, as 16 hexadecimal digits. Of a very large text only some four million tokens are
  /// looked at, evenly spread.
  ///
  /// It is noted in checkpoints, so that going on with another text is noticed.
  public var fingerprint: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in [training, validation] {
      hash = (hash ^ UInt64(part.count)) &* 0x100_0000_01b3
      hash = part.hash(every: 1 + part.count >> 22, from: hash)
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
