/// How many of its tokens an expert takes, and which.
public struct Capacity: Hashable, Sendable {
  /// Which tokens an expert keeps where it cannot take all.
  public enum Order: String, Hashable, Sendable, CaseIterable {
    /// Those that come first.
    case position

    /// Those with the largest weights; of equal ones those that come first.
    case weight

    /// Those whose first choice it is before those whose second choice it is, and so on, each in order. The
    /// first choice of a token is the one with the largest weight.
    case choice
  }

  /// Of an even share of all choices: tokens · K / E · factor; nil: a count of tokens.
  public var factor: Double?

  /// The count of tokens, or the least that a share may be.
  public var least: Int

  /// Whether a share that is no whole number is rounded up, not down.
  public var roundsUp: Bool
  public var order: Order

  /// Whether it is for each sequence by itself.
  public var perSequence: Bool

  public init(
    factor: Double?, least: Int = 0, roundsUp: Bool = false, order: Order = .position,
    perSequence: Bool = false
  ) {
    self.factor = factor
    self.least = least
    self.roundsUp = roundsUp
    self.order = order
    self.perSequence = perSequence
  }

  /// How many tokens an expert takes of so many choices, which are those of a sequence if it is for each by
  /// itself; computed in double precision, in the order of operations of the article's Python.
  public func limit(choices: Int, experts: Int) -> Int {
    guard let factor else { return least }
    let share = Double(choices) / Double(experts) * factor
    let whole = roundsUp ? share.rounded(.up) : share.rounded(.down)
    return max(least, whole < Double(choices) ? Int(whole) : choices)
  }
}

extension Capacity {
  /// As the attributes of an op.
  func written(in attributes: Attributes) -> Attributes {
    attributes.with("capacity", factor.map { .number($0) })
      .with("least", factor == nil || least > 0 ? .integer(least) : nil)
      .with("up", flag: roundsUp)
      .with("order", order == .position ? nil : .string(order.rawValue))
      .with("perSequence", flag: perSequence)
  }

  /// What `written` wrote; nil where there is no capacity.
  init?(_ reader: inout AttributeReader) throws(Mismatch) {
    let factor = try reader.optionalNumber("capacity")
    let least = try reader.optionalInteger("least")
    guard factor != nil || least != nil else { return nil }
    let roundsUp = reader.flag("up")
    var order = Order.position
    if case .string(let name) = reader.optional("order") {
      guard let known = Order(rawValue: name) else {
        throw Mismatch("route: there is no order \"\(name)\"")
      }
      order = known
    }
    self.init(
      factor: factor, least: least ?? 0, roundsUp: roundsUp, order: order,
      perSequence: reader.flag("perSequence"))
  }
}
