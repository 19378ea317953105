import ModelRuntime

/// B rows of T tokens with their targets, [B, T] each.
public struct Batch: Equatable, Sendable {
  public var tokens: [Int32]
  public var targets: [Int32]
  /// Where in its row the text that a token is of begins; nil where each row is one text.
  public var beginnings: [Int32]?

  /// Nothing to learn, for others to fill in.
  init(padding count: Int) {
    tokens = [Int32](repeating: 0, count: count)
    targets = [Int32](repeating: Model.ignoredTarget, count: count)
  }

  /// Draws windows that start anywhere in 0 ..< length - T; targets are shifted by one.
  public init(
    from text: some RandomAccessCollection<Int32>, count: Int, context: Int,
    using stream: inout RandomStream
  ) {
    tokens = []
    targets = []
    tokens.reserveCapacity(count * context)
    targets.reserveCapacity(count * context)
    for _ in 0..<count {
      let start = text.index(text.startIndex, offsetBy: stream.next(below: text.count - context))
      let end = text.index(start, offsetBy: context)
      tokens += text[start..<end]
      targets += text[text.index(after: start)...end]
    }
  }
}
