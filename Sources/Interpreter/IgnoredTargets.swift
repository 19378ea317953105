import GraphIR

/// Which targets of a batch are ignored, in trials.
public enum IgnoredTargets: Sendable, CaseIterable {
  case none

  /// About a third, but not all.
  case some
  case allButOne
  case all

  /// The targets, with those that are ignored in their places: the same for the same seed.
  public func among(_ targets: [Int32], seed: UInt64) -> [Int32] {
    let key = CounterRandom.key(seed: seed, stream: 1 << 43)
    let kept = targets.isEmpty ? 0 : Int(CounterRandom.bits(key, 0)) % targets.count
    return targets.indices.map { index in
      let isIgnored =
        switch self {
        case .none: false
        case .some: index != kept && CounterRandom.bits(key, UInt32(index) + 1) % 3 == 0
        case .allButOne: index != kept
        case .all: true
        }
      return isIgnored ? Input.ignoredTarget : targets[index]
    }
  }
}
