import ModelRuntime

/// Means over batches of which each counts as many targets as are not ignored.
struct CountedMean<Number: BinaryFloatingPoint> {
  private var sums: [Number]
  private var weight: Number = 0

  /// - Parameter count: of how many numbers means are taken.
  init(count: Int) { sums = Array(repeating: 0, count: count) }

  /// Adds the means of a batch with these targets.
  mutating func add(_ means: [Float], of targets: some Collection<Int32>) {
    // Relative to a whole batch, so that where nothing is ignored nothing is rounded.
    let counted = targets.count { $0 != Model.ignoredTarget }
    let share = targets.isEmpty ? 0 : Number(counted) / Number(targets.count)
    for (index, mean) in means.enumerated() { sums[index] += share * Number(mean) }
    weight += share
  }

  /// The means over all batches; 0 where all targets were ignored.
  var means: [Number] { weight == 0 ? sums : sums.map { $0 / weight } }
}
