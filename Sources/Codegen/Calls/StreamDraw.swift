import GraphIR

/// What an elementwise expression draws from one of its random streams.
///
/// Calls and the functions that they call number streams, keys and rates in one order: that of
/// `ScalarExpression.draws`.
struct StreamDraw: Hashable {
  var stream: Int

  /// Dropout's rate; nil where normal numbers are drawn.
  var rate: Double?

  /// How many numbers each element takes: Box and Muller's normal takes two.
  var numbers: Int { rate == nil ? 2 : 1 }
}

extension ScalarExpression {
  /// The streams that occur and what they are for, in the order of their numbers.
  var draws: [StreamDraw] {
    var rates: [Int: Double] = [:]
    visit { if case .keep(let stream, let rate) = $0 { rates[stream] = rate } }
    return streams.map { StreamDraw(stream: $0, rate: rates[$0]) }
  }
}

extension [StreamDraw] {
  /// The rates by stream as C expressions, 0 for normal numbers, up to the last that is a dropout's.
  var rates: [CExpression] {
    let count = lastIndex { $0.rate != nil }.map { $0 + 1 } ?? 0
    return prefix(count).map { draw in draw.rate.map(Self.inTraining) ?? "0" }
  }

  /// A dropout's rate in training, none in evaluation.
  static func inTraining(_ rate: Double) -> CExpression {
    "\(CExpression.pass)->training ? \(rate) : 0"
  }
}
