import ModelRuntime

/// Means over batches of which each counts as many targets as are not ignored.
struct CountedMean<Number: BinaryFloatingPoint> {
  private var sums: [Number]
  private var weight: Number = 0

  /// - Parameter count: of how many numbers means are taken.
  init(count: Int) { sums = Array(repeating: 0, count: count) }

  /// Adds the means of a batch, with its share of targets that are not ignored.
  mutating func add(_ means: some Collection<Double>, share: Double) {
    for (index, mean) in means.enumerated() { sums[index] += Number(share) * Number(mean) }
    weight += Number(share)
  }

  /// The means over all batches; 0 where all targets were ignored.
  var means: [Number] { weight == 0 ? sums : sums.map { $0 / weight } }
}

extension Model {
  /// The share of a batch's targets that are not ignored: where none is, exactly 1, so that nothing that is
  /// multiplied by it is rounded.
  static func share(of targets: some Collection<Int32>) -> Double {
    if targets.isEmpty { return 0 }
    return Double(targets.count { $0 != ignoredTarget }) / Double(targets.count)
  }
}
