import ModelRuntime

/// How evenly a model's experts were used, over all training steps of an interval.
public struct ExpertBalance: Equatable, Sendable, Codable {
  /// By router and expert.
  public var loads: [[ExpertLoad]]
  /// Whether any router drops tokens.
  public var hasCapacity: Bool

  public init(loads: [[ExpertLoad]], hasCapacity: Bool) {
    self.loads = loads
    self.hasCapacity = hasCapacity
  }

  /// Each expert's share of its router's choices, 0 to 1.
  public var shares: [[Double]] {
    loads.map { experts in
      let total = max(1, experts.reduce(0) { $0 + $1.chosen })
      return experts.map { Double($0.chosen) / Double(total) }
    }
  }

  /// The largest expert's load over the mean, in the router where that is largest; 1 is even.
  public var balance: Double { loads.map(Self.balance).max() ?? 1 }

  /// Experts that nothing chose.
  public var deadExperts: Int { loads.joined().filter { $0.chosen == 0 }.count }

  /// The share of all choices that found their expert full.
  public var droppedShare: Double { Self.droppedShare(Array(loads.joined())) }

  /// `experts: balance 1.62, 0 dead, 3.1 % dropped`; the last where there is a capacity.
  public var line: String {
    let dropped = hasCapacity ? ", \(percent(droppedShare)) dropped" : ""
    return "experts: balance \(twoDecimals(balance)), \(deadExperts) dead\(dropped)"
  }

  static func balance(_ experts: [ExpertLoad]) -> Double {
    let total = experts.reduce(0) { $0 + $1.chosen }
    let largest = experts.map(\.chosen).max() ?? 0
    return total == 0 ? 1 : Double(largest * experts.count) / Double(total)
  }

  static func droppedShare(_ loads: [ExpertLoad]) -> Double {
    let total = loads.reduce(0) { $0 + $1.chosen }
    return total == 0 ? 0 : Double(total - loads.reduce(0) { $0 + $1.kept }) / Double(total)
  }
}
