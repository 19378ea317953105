/// Every combination of values that meets the conditions, in an order that the seed shuffles, so that a
/// search that ends early has seen a bit of everything.
public final class GridSampler: Sampler {
  private let points: [TrialValues]

  /// More combinations than anybody could try are an error of the space.
  static let most = 1_000_000

  /// Errors: a dimension without an end, or too many combinations, or none.
  public init(_ space: SearchSpace, fixed: TrialValues, seed: UInt64) throws(SearchError) {
    var points: [TrialValues] = [[:]]
    for dimension in space.dimensions {
      let values = try dimension.grid()
      guard points.count <= Self.most / values.count else {
        throw SearchError(
          "the grid has more than a million points", hint: "give fewer values, or --sampler random")
      }
      points = points.flatMap { point in
        values.map { point.merging([dimension.name: $0]) { _, new in new } }
      }
    }
    points = points.filter { space.broken(by: $0, fixed) == nil }
    guard !points.isEmpty else {
      throw SearchError(
        "no point of the grid meets all conditions", hint: "see --where and --space")
    }
    var numbers = MixedNumbers(seed, 0, UInt64(points.count))
    for index in points.indices.dropFirst().reversed() {
      points.swapAt(index, Int(numbers.nextWord() % UInt64(index + 1)))
    }
    self.points = points
  }

  /// How many combinations there are.
  public var count: Int { points.count }

  public func suggest(_ trial: Int, attempt: Int, for study: Study) -> TrialValues? {
    trial < points.count && attempt == 0 ? points[trial] : nil
  }
}
