import SystemFiles

/// What `moec run --train --log` wrote of one run: losses, and what else it knew, against steps.
public struct TrainingHistory: Equatable, Sendable {
  /// How the run is called in a chart.
  public var label: String
  /// The file that it was read from, for errors.
  public let path: String
  /// By rising step, each step once.
  public let records: [Record]
  /// What a reader should know, though it is no error: the last line is only half there.
  public let note: String?

  /// One evaluation. Losses are means in nats per token.
  public struct Record: Equatable, Sendable {
    public var step: Int
    public var trainLoss: Double
    public var validationLoss: Double
    /// The validation loss of averaged weights; absent where none are kept.
    public var averageLoss: Double?
    /// The losses in bits for each character; absent where tokens are characters.
    public var trainBits: Double?
    public var validationBits: Double?
    public var learningRate: Double?
    public var gradientNorm: Double?
    /// The largest expert's load over the mean, of the layer where that is largest.
    public var balance: Double?
    /// Experts of all layers that got no token.
    public var deadExperts: Double?
    /// The share of routed tokens that found their expert full.
    public var droppedShare: Double?
    /// For each layer, the share of its tokens that each expert got.
    public var expertLoad: [[Double]]?

    /// The loss in a unit: `bits` are per character.
    func loss(_ part: Part, _ unit: LossUnit) -> Double? {
      switch part {
      case .training: unit == .nats ? trainLoss : trainBits ?? inBits(trainLoss)
      case .validation: unit == .nats ? validationLoss : bits(validationLoss)
      case .average: averageLoss.map { unit == .nats ? $0 : bits($0) }
      }
    }

    /// A loss on the validation text.
    private func bits(_ nats: Double) -> Double {
      guard let validationBits, validationLoss != 0 else { return inBits(nats) }
      return nats == validationLoss ? validationBits : validationBits / validationLoss * nats
    }
  }

  /// A run; of several records of a step, which a resumed run may leave, the last one counts.
  /// Errors: there are none, or their experts differ in number.
  public init(label: String, path: String, records: [Record], note: String? = nil)
    throws(ChartError)
  {
    var newest: [Int: Record] = [:]
    for record in records { newest[record.step] = record }
    self.label = label
    self.path = path
    self.note = note
    self.records = newest.values.sorted { $0.step < $1.step }
    guard !self.records.isEmpty else {
      throw ChartError(
        "\(path) holds no losses",
        hint: "write it with moec run --train --log \(ShellWord.quoted(path))")
    }
    let shapes = Set(self.records.compactMap { $0.expertLoad?.map(\.count) })
    guard shapes.count < 2 else {
      throw ChartError(
        "\(path) holds expert loads of models with different layers or experts",
        hint: "give each run a log of its own")
    }
  }

  /// Characters for each token, if tokens are not characters.
  var charactersPerToken: Double? {
    guard let last = records.last, let bits = last.validationBits, bits > 0 else { return nil }
    return inBits(last.validationLoss) / bits
  }

  /// The losses that it has.
  var parts: [Part] {
    Part.allCases.filter { part in records.contains { $0.loss(part, .nats) != nil } }
  }

  /// Whether any record tells of its experts.
  var hasLoads: Bool { records.contains { $0.expertLoad != nil } }
}

/// Which part of the text a loss is of, and of the average of the weights, if it is not of the weights.
enum Part: CaseIterable {
  case training, validation, average

  var name: String {
    switch self {
    case .training: "training"
    case .validation: "validation"
    case .average: "validation by averaged weights"
    }
  }

  /// At the end of a line.
  var word: String {
    switch self {
    case .training: "train"
    case .validation: "val"
    case .average: "ema"
    }
  }
}

/// What losses are measured in.
public enum LossUnit: String, CaseIterable, Sendable {
  /// The mean cross-entropy of a token, -log p.
  case nats = "loss"
  /// Bits for each character, by which models with different vocabularies compare.
  case bits
}

/// -log2 p from -log p.
func inBits(_ nats: Double) -> Double { nats / 0.693_147_180_559_945_3 }
