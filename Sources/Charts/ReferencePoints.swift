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

    func loss(_ part: Part, _ unit: LossUnit) -> Double {
      let nats = part == .training ? trainLoss : validationLoss
      return unit == .bits ? inBits(nats) : nats
    }
  }

  /// Reads a table; empty lines and those that begin with `#` say nothing. Errors: a line with
  /// something else than a step and two losses, or no line at all.
  public init(label: String, path: String, text: String) throws(ChartError) {
    var points: [Int: Point] = [:]
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() where !line.isEmpty && line.first != "#" {
      guard let point = Self.point(line) else {
        throw ChartError(
          "\(path):\(index + 1): expected step,train,validation",
          hint: "write lines such as 100,2.7351,2.7429; a comment begins with #")
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

  private static func point(_ line: Substring) -> Point? {
    let words = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
    guard words.count == 3, let step = Int(words[0]), (0...1_000_000_000_000).contains(step),
      let train = Double(words[1]), let validation = Double(words[2]),
      train.isFinite, validation.isFinite
    else { return nil }
    return Point(step: step, trainLoss: train, validationLoss: validation)
  }

  private static func trimmed(_ word: Substring) -> Substring {
    let start = word.drop { $0 == " " }
    let end = start.lastIndex { $0 != " " }
    return end.map { start[...$0] } ?? ""
  }
}
