/// One picture: losses of runs, and below them what else their logs know, against steps.
public struct Figure: Sendable {
  /// What is drawn below each other.
  public enum Panel: String, CaseIterable, Sendable {
    case losses
    case learningRate = "learning-rate"
    case gradientNorm = "gradient-norm"
    case balance
    case dropped
    case loads
  }

  /// How it is drawn.
  public struct Options: Sendable {
    /// Above all; nil: nothing is written there.
    public var title: String?
    /// Which panels, in this order; empty: those that the logs have something for.
    public var panels: [Panel] = []
    public var unit = LossUnit.nats
    /// Whether losses lie on a logarithmic axis.
    public var isLogarithmic = false

    public init() {}
  }

  let runs: [TrainingHistory]
  let references: [ReferencePoints]
  let options: Options
  /// What is drawn, in order.
  public let panels: [Panel]

  /// Errors: no run; losses that do not compare, as tokens differ; a panel that was asked for
  /// and that no log has anything for; a loss that is not above 0 on a logarithmic axis.
  public init(
    _ runs: [TrainingHistory], references: [ReferencePoints] = [], options: Options = Options()
  ) throws(ChartError) {
    guard !runs.isEmpty else {
      throw ChartError("there is no log to draw", hint: "name one or more files of run --log")
    }
    self.runs = runs
    self.references = references
    self.options = options
    panels = try Self.panels(of: runs, options.panels)
    if options.unit == .nats { try Self.checkTokens(runs, references) }
    if options.isLogarithmic { try checkLogarithmic() }
  }

  /// What was asked for, or all that says something.
  private static func panels(
    of runs: [TrainingHistory], _ wanted: [Panel]
  ) throws(ChartError) -> [Panel] {
    for panel in wanted where !runs.contains(where: { panel.isIn($0) }) {
      throw ChartError(
        "\(runs.map(\.path).joined(separator: ", ")): no \(panel.field ?? "losses") in there",
        hint: "leave out --panel \(panel.rawValue), or train again with this moec and --log")
    }
    if !wanted.isEmpty {
      return wanted.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
    return Panel.allCases.filter { panel in runs.contains { panel.isDrawnUnasked(of: $0) } }
  }

  /// Losses per token compare where tokens are the same.
  private static func checkTokens(
    _ runs: [TrainingHistory], _ references: [ReferencePoints]
  ) throws(ChartError) {
    let sizes = runs.map { ($0.path, $0.charactersPerToken ?? 1) } + references.map { ($0.path, 1) }
    guard let first = sizes.first else { return }
    for other in sizes.dropFirst() where abs(other.1 / first.1 - 1) > 0.01 {
      throw ChartError(
        "losses of \(first.0) and \(other.0) do not compare: their vocabularies differ",
        hint: "--metric bits draws bits per character, which compare")
    }
  }

  private func checkLogarithmic() throws(ChartError) {
    for run in runs {
      for record in run.records where min(record.trainLoss, record.validationLoss) <= 0 {
        throw ChartError(
          "\(run.path): a loss at step \(record.step) is not above 0",
          hint: "leave out --log-scale")
      }
    }
    for reference in references {
      for point in reference.points where min(point.trainLoss, point.validationLoss) <= 0 {
        throw ChartError(
          "\(reference.path): a loss at step \(point.step) is not above 0",
          hint: "leave out --log-scale")
      }
    }
  }

  /// The last step of all.
  var lastStep: Int {
    (runs.flatMap { $0.records.map(\.step) } + references.flatMap { $0.points.map(\.step) }).max()
      ?? 0
  }
}

extension Figure.Panel {
  /// The number that it draws of a record, dropped tokens in percent; nil for losses and loads,
  /// which are several.
  func value(_ record: TrainingHistory.Record) -> Double? {
    switch self {
    case .losses, .loads: nil
    case .learningRate: record.learningRate
    case .gradientNorm: record.gradientNorm
    case .balance: record.balance
    case .dropped: record.droppedShare.map { $0 * 100 }
    }
  }

  /// The field of a log that it needs.
  var field: String? {
    switch self {
    case .losses: nil
    case .learningRate: "\"learning_rate\""
    case .gradientNorm: "\"gradient_norm\""
    case .balance: "\"balance\""
    case .dropped: "\"dropped_share\""
    case .loads: "\"expert_load\""
    }
  }

  func isIn(_ run: TrainingHistory) -> Bool {
    switch self {
    case .losses: true
    case .loads: run.hasLoads
    case .learningRate, .gradientNorm, .balance, .dropped:
      run.records.contains { value($0) != nil }
    }
  }

  /// A rate that never changes and tokens that are never dropped are no news.
  func isDrawnUnasked(of run: TrainingHistory) -> Bool {
    switch self {
    case .losses, .gradientNorm, .loads: isIn(run)
    case .learningRate: Set(run.records.compactMap(\.learningRate)).count > 1
    case .dropped: run.records.contains { ($0.droppedShare ?? 0) > 0 }
    case .balance: false
    }
  }
}
