/// What the page's script reads.
struct SearchFacts: Encodable {
  private var objectives: [String]
  private var dimensions: [Dimension]
  private var trials: [Trial]
  private var importances: [Share]
  /// Numbers of the trials that no other one beats.
  private var front: [Int]

  private struct Dimension: Encodable {
    var name: String
    var choices: [TrialValue]?
    var low: Double?
    var high: Double?
    var log: Bool?

    init(_ dimension: Search.Dimension) {
      name = dimension.name
      switch dimension.values {
      case .choices(let choices): self.choices = choices
      case .whole(let range, _, let isLogarithmic):
        (low, high) = (Double(range.lowerBound), Double(range.upperBound))
        log = isLogarithmic
      case .number(let range, _, let isLogarithmic):
        (low, high, log) = (range.lowerBound, range.upperBound, isLogarithmic)
      }
    }
  }

  /// `["experts", 0.4]`.
  private struct Share: Encodable {
    var name: String
    var share: Double

    func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      try list.encode(name)
      try list.encode(share)
    }
  }

  private struct Trial: Encodable {
    var number: Int
    var state: String
    var text: String
    var values: TrialValues
    var results: [Double]
    /// Steps and losses.
    var curve: [[Double]]
    /// Names and texts.
    var cost: [[String]]
    var note: String
    var loads: [Load]

    init(
      _ trial: Search.Trial, _ space: SearchSpace, curve: [Search.Trial.Report],
      _ loads: SearchPage.Loads
    ) {
      number = trial.number
      let result = trial.result
      state = result?.state.rawValue ?? "not over"
      text = space.text(of: trial.values)
      values = trial.values
      results = result?.values ?? []
      self.curve = curve.map { [Double($0.step), SearchFacts.rounded($0.loss)] }
      cost =
        result?.cost.map { cost in
          [
            ["parameters", StudyTable.magnitude(Double(cost.parameters))],
            ["active", StudyTable.magnitude(Double(cost.activeParameters))],
            ["FLOPs/token", StudyTable.magnitude(cost.flopsPerToken)],
            ["memory", StudyTable.magnitude(Double(cost.bytes)) + "B"],
          ]
        } ?? []
      note = result?.note ?? result?.copied.map { "as trial \($0)" } ?? ""
      self.loads = loads.map { Load(layer: $0.layer, shares: $0.shares.map(SearchFacts.rounded)) }
    }
  }

  /// `["block.0.mixture", [0.1, …]]`.
  private struct Load: Encodable {
    var layer: String
    var shares: [Double]

    func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      try list.encode(layer)
      try list.encode(shares)
    }
  }

  init(
    _ study: Study, _ space: SearchSpace, _ importances: [(name: String, share: Double)],
    _ loads: [Int: SearchPage.Loads]
  ) {
    objectives = (study.plan?.objectives ?? [.loss]).map(\.title)
    dimensions = space.dimensions.map(Dimension.init)
    trials = study.trials.map { trial in
      // What has the result of another has its curve too.
      let made =
        trial.result?.copied.flatMap { number in study.trials.first { $0.number == number } }
        ?? trial
      return Trial(trial, space, curve: made.reports, loads[made.number] ?? [])
    }
    self.importances = importances.map { Share(name: $0.name, share: Self.rounded($0.share)) }
    front = study.front.map(\.number)
  }

  private static func rounded(_ number: Double) -> Double { (number * 1e5).rounded() / 1e5 }
}
