import Ranks

extension Ranks {
  /// Whether any rank says so: all hear the same. Errors: a rank is gone.
  func any(_ flag: Bool) throws(RanksError) -> Bool {
    try gather([flag ? 1 : 0]).contains { $0 != [0] }
  }

  /// What the first rank finds, for all ranks. Errors: a rank is gone.
  func told(by first: () -> Bool) throws(RanksError) -> Bool {
    try any(isFirst && first())
  }
}
