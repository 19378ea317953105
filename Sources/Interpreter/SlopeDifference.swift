/// Differences of an objective along a direction, beside the slope that a gradient has there.
struct SlopeDifference {
  /// The objective one step on, one back, two on and two back.
  private let values: [Double]
  let step: Double

  /// The slope along the direction by the gradient.
  let analytic: Double

  /// The same by differences, of four points instead of two: steps can be long enough for rounding to vanish.
  let numeric: Double

  /// The size of the gradient along the direction, and that of the largest gradient of all.
  private let size: Double
  private let largest: Double

  /// What a step shows.
  enum Finding {
    case right, wrong

    /// The slope is too small to be seen.
    case unseen

    /// Differences are something other than a slope.
    case untelling
  }

  /// - Parameters:
  ///   - values: the objective at 1, -1, 2 and -2 steps.
  ///   - slopes: what each element of the gradient adds to the slope.
  ///   - largest: the size of the largest gradient.
  init(_ values: [Double], step: Double, slopes: [Double], largest: Double) {
    (self.values, self.step, self.largest) = (values, step, largest)
    analytic = slopes.reduce(0, +)
    numeric = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * step)
    size = Self.size(of: slopes)
  }

  static func size(of numbers: [Double]) -> Double {
    numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// How far one is from the other.
  private var off: Double { abs(analytic - numeric) }

  /// The difference relative to the gradient, or to a ten-thousandth of the largest, or of one that is nothing to what
  /// rounding makes of it.
  var relativeError: Double {
    let scale = max(abs(numeric), size, 1e-4 * largest, isNothing ? rounding : 0)
    return scale == 0 ? 0 : off / scale
  }

  /// The slope that rounding of the objective makes.
  private var rounding: Double {
    8 * .ulpOfOne * (1 + (values.map(abs).max() ?? 0)) / step
  }

  /// The slope that rounding makes, of the objective or of a gradient that is small beside others.
  private var resolution: Double { max(rounding, 1e-10 * largest) }

  var finding: Finding {
    if off <= max(resolution, GradientCheck.tolerance * max(abs(numeric), size)) {
      return isSeen ? .right : .unseen
    }
    if off <= 10 * resolution { return .unseen }
    return isTelling ? .wrong : .untelling
  }

  /// What is 0 in theory is rounding in practice, and so small that it cannot be told from 0.
  private var isNothing: Bool { size <= min(1e-12 * max(1, largest), rounding) }

  /// Whether another slope would have been seen; of what is nothing one sees that it is.
  private var isSeen: Bool {
    if isNothing { return rounding <= 1e-6 * max(1, largest) }
    return resolution <= 0.01 * size
  }

  /// Whether differences of an objective that is smooth within the steps can be off by so much.
  ///
  /// Of a kink the slopes on both sides differ, however short the steps are, and the slope at the point may be any
  /// between them: so it is where a model explodes, whose softmax is as steep as a stair. And where steps twice as long
  /// give another slope, as of a sine that turns faster than they are long, they show nothing of it.
  private var isTelling: Bool {
    let bend = abs(values[2] + values[3] - values[0] - values[1]) / (2 * step)
    let (short, long) = ((values[0] - values[1]) / (2 * step), (values[2] - values[3]) / (4 * step))
    return off > 10 * bend
      && abs(short - long) <= max(1e-3 * max(abs(short), abs(long)), resolution)
  }
}
