/// Which results of an op are sums over all rows, as the gradients of parameters are.
public enum RowSums: Hashable, Sendable {
  /// None is: what it makes of a row does not depend on the other rows.
  case none

  /// All can be; threads can take shares of them, whatever else they are at, or not.
  case all(inShares: Bool)

  /// Those of these roles are, and are made with the others in one go.
  case together([Role])

  /// Those of these roles are, and are made apart from the others, each result only where it is read
  /// and the sums in shares; the sums are so many operations for each number of the first operand.
  case apart([Role], operations: Int)

  /// Whether results of these roles are sums over all rows, and nothing else.
  public func areAll(of results: [Role]) -> Bool {
    switch self {
    case .none: false
    case .all: true
    case .together(let sums), .apart(let sums, _): results.allSatisfy(sums.contains)
    }
  }

  /// Whether threads can take shares of the sums.
  public var areShared: Bool {
    switch self {
    case .none, .all(inShares: false), .together: false
    case .all(inShares: true), .apart: true
    }
  }

  /// Whether each result is made only where it is read.
  public var areApart: Bool {
    switch self {
    case .none, .all, .together: false
    case .apart: true
    }
  }
}
