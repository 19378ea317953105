import SystemFiles

/// Published losses to compare with: a table of `step,train,validation` lines.
public struct ReferencePoints: Equatable, Sendable {
  /// How they are called in a chart.
  public var label: String
  /// The file that they were read from, for errors.
  public let path: String
  /// By rising step; losses are in nats per token.
  public let points: [Point]

  public struct Point: Equatable, Sendable {
    public var step: Int
    public var trainLoss: Double
    public var validationLoss: Double

    /// Nil for a part that no points are published of.
    func loss(_ part: Part, _ unit: LossUnit) -> Double? {
      guard part != .average else { return nil }
      let nats = part == .training ? trainLoss : validationLoss
      return unit == .bits ? inBits(nats) : nats
    }
  }

  /// Reads a table; empty lines and those that begin with `#` say nothing, and the first other one
  /// may name the columns. Errors: a line with something else than a step and two losses, other
  /// columns, or no line at all.
  public init(label: String, path: String, text: String) throws(ChartError) {
    if MarkRuns.excessive(in: text.utf8) != nil {
      throw ChartError(
        "\(path): a character of it has too many marks", hint: "write lines such as 100,2.7,2.8")
    }
    var points: [Int: Point] = [:]
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var isFirst = true
    for (index, line) in lines.enumerated() {
      let words = Self.words(line)
      if words.allSatisfy(\.isEmpty) || words[0].hasPrefix("#") { continue }
      defer { isFirst = false }
      if isFirst, Self.isHeading(words) { continue }
      guard let point = Self.point(words) else {
        throw ChartError(
          "\(path):\(index + 1): expected step,train,validation",
          hint: "write lines such as 100,2.7351,2.7429, with these columns in this order; a "
            + "comment begins with #")
      }
      points[point.step] = point
    }
    guard !points.isEmpty else {
      throw ChartError("\(path) holds no points", hint: "write lines such as 100,2.7351,2.7429")
    }
    self.label = label
    self.path = path
    self.points = points.values.sorted { $0.step < $1.step }
  }

  /// The cells of a line without the spaces and quotes around them.
  private static func words(_ line: Substring) -> [Substring] {
    line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
  }

  /// `step,train,validation`, or `Step, train_loss, val_loss`: other columns would be misread.
  private static func isHeading(_ words: [Substring]) -> Bool {
    let starts = ["step", "train", "val"]
    return words.count == starts.count
      && zip(words, starts).allSatisfy { $0.lowercased().hasPrefix($1) }
  }

  private static func point(_ words: [Substring]) -> Point? {
    guard words.count == 3, let step = Int(words[0]), (0...1_000_000_000_000).contains(step),
      let train = Double(words[1]), let validation = Double(words[2]),
      train.isFinite, validation.isFinite
    else { return nil }
    return Point(step: step, trainLoss: train, validationLoss: validation)
  }

  private static func trimmed(_ word: Substring) -> Substring {
    func isAround(_ character: Character) -> Bool {
      character.isWhitespace || character == "\"" || character == "\u{feff}"
    }
    let start = word.drop(while: isAround)
    let end = start.lastIndex { !isAround($0) }
    return end.map { start[...$0] } ?? ""
  }
}
