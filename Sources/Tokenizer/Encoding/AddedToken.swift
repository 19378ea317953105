/// A token that is found in the text before anything is split or merged, such as
/// `<|endoftext|>`.
public struct AddedToken: Equatable, Sendable {
  public var id: Int32
  /// Its text, UTF-8.
  public var content: [UInt8]
  /// Only where no letter or digit touches it.
  public var isSingleWord = false
  /// Whether it takes the white space before it along.
  public var stripsLeft = false
  /// Whether it takes the white space after it along.
  public var stripsRight = false
  /// Whether it is looked for after normalization.
  public var isNormalized = false
  /// Whether decoding leaves it out when asked to.
  public var isSpecial = true

  /// A special token with this text.
  public init(id: Int32, content: String) {
    self.id = id
    self.content = Array(content.utf8)
  }
}
