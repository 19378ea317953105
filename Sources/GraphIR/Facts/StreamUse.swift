/// A random stream that an op draws from, and what its numbers are.
public struct StreamUse: Hashable, Sendable {
  /// What the numbers of a stream are.
  public enum Meaning: Hashable, Sendable, CustomStringConvertible {
    case normal
    case keep(rate: Double)

    public var description: String {
      switch self {
      case .normal: "normal numbers"
      case .keep(let rate): "dropout with rate \(rate)"
      }
    }
  }

  public var stream: Int
  public var meaning: Meaning

  public init(_ stream: Int, _ meaning: Meaning) {
    self.stream = stream
    self.meaning = meaning
  }
}

extension ScalarExpression {
  /// The streams that the expression draws from, in the order of reading, each time it does.
  var streamUses: [StreamUse] {
    var uses: [StreamUse] = []
    visit {
      switch $0 {
      case .normal(let stream): uses.append(StreamUse(stream, .normal))
      case .keep(let stream, let rate): uses.append(StreamUse(stream, .keep(rate: rate)))
      case .input, .constant, .unary, .binary: break
      }
    }
    return uses
  }

  /// The expression drawing from other streams.
  public func mappingStreams(_ number: (Int) -> Int) -> ScalarExpression {
    switch self {
    case .input, .constant: self
    case .normal(let stream): .normal(stream: number(stream))
    case .keep(let stream, let rate): .keep(stream: number(stream), rate: rate)
    case .unary(let function, let a): .unary(function, a.mappingStreams(number))
    case .binary(let function, let a, let b):
      .binary(function, a.mappingStreams(number), b.mappingStreams(number))
    }
  }
}
