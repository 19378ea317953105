/// All parameters of a search, and the conditions between them.
public struct SearchSpace: Hashable, Sendable {
  public var dimensions: [Dimension]
  public var conditions: [Condition]

  /// Errors: no parameter, or one that is there twice.
  public init(_ dimensions: [Dimension], _ conditions: [Condition] = []) throws(SearchError) {
    guard !dimensions.isEmpty else {
      throw SearchError(
        "there is nothing to search", hint: "name a parameter and its values: --space experts=2,4,8"
      )
    }
    var names: Set<String> = []
    for dimension in dimensions where !names.insert(dimension.name).inserted {
      throw SearchError(
        "the space has \(dimension.name) twice", hint: "give all its values at once")
    }
    self.dimensions = dimensions
    self.conditions = conditions
  }

  public subscript(name: String) -> Dimension? { dimensions.first { $0.name == name } }

  /// The first condition that values do not meet; `fixed` are numbers that conditions may name too.
  public func broken(by values: TrialValues, _ fixed: TrialValues) -> Condition? {
    let all = fixed.merging(values) { _, new in new }
    return conditions.first { !$0.holds(all) }
  }

  /// `experts 8, chosen 2, learning-rate 0.001`, in the order of the space.
  public func text(of values: TrialValues) -> String {
    dimensions.compactMap { dimension in
      values[dimension.name].map { "\(dimension.name) \($0)" }
    }.joined(separator: ", ")
  }

  /// Values as those of their dimensions.
  func fitted(_ values: TrialValues) -> TrialValues {
    values.reduce(into: [:]) { fitted, pair in
      fitted[pair.key] = self[pair.key]?.fitted(pair.value) ?? pair.value
    }
  }
}
