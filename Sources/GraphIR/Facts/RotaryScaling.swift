#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How rotary positions are scaled to a longer context than a model was first trained with.
///
/// Pair i of a head turns by f (1 - s + s / factor) from a position to the next, where f = base^(-2 i / D) and the
/// share s = (none - x) / (none - full), from 0 to 1. x is the pair i itself, or where `context` is given the
/// whole turns of the pair in so many positions, context f / 2π. Sines and cosines are multiplied by
/// `amplitude`.
public struct RotaryScaling: Hashable, Sendable {
  public var factor: Double
  public var amplitude: Double

  /// The x from which on a pair is left as it is, and the one from which on it is scaled in full; equal: all are.
  public var none: Double
  public var full: Double

  /// The positions in which x counts turns; nil: x is the number of the pair.
  public var context: Double?

  public init(
    factor: Double, amplitude: Double = 1, none: Double, full: Double, context: Double? = nil
  ) {
    self.factor = factor
    self.amplitude = amplitude
    self.none = none
    self.full = full
    self.context = context
  }

  /// The radians by which a pair turns from a position to the next.
  public func turn(_ pair: Int, base: Double, depth: Int) -> Double {
    let frequency = pow(base, -2 * Double(pair) / Double(depth))
    let x = context.map { $0 * frequency / (2 * Double.pi) } ?? Double(pair)
    let share = none == full ? 1 : min(max((none - x) / (none - full), 0), 1)
    return frequency * (1 - share + share / factor)
  }

  func check() throws(Mismatch) {
    let numbers = [factor, amplitude, none, full, context ?? 1]
    guard numbers.allSatisfy(\.isFinite), factor >= 1, amplitude > 0, min(none, full) >= 0,
      context ?? 1 > 0
    else {
      throw Mismatch(
        "rotary: positions cannot be scaled by \(factor) and by \(amplitude), from \(none) to \(full)",
        hint:
          "a factor is at least 1, an amplitude above 0, and a ramp begins and ends at 0 or above")
    }
  }

  var attributes: [(name: String, content: Attributes.Content?)] {
    [
      ("factor", .number(factor)), ("amplitude", .number(amplitude)), ("none", .number(none)),
      ("full", .number(full)), ("context", context.map { .number($0) }),
    ]
  }

  /// Nil where there is no factor.
  init?(_ reader: inout AttributeReader) throws(Mismatch) {
    guard let factor = try reader.optionalNumber("factor") else { return nil }
    self.init(
      factor: factor, amplitude: try reader.number("amplitude"), none: try reader.number("none"),
      full: try reader.number("full"), context: try reader.optionalNumber("context"))
  }
}

extension RotaryScaling {
  /// All positions divided by a factor (Chen et al. 2023).
  public static func linear(factor: Double) -> RotaryScaling {
    RotaryScaling(factor: factor, none: 0, full: 0)
  }

  /// As Llama 3.1 does it: pairs that turn `high` times or more in the first context stay, those that turn `low`
  /// times or less are scaled in full.
  public static func llama3(
    factor: Double, low: Double, high: Double, context: Double
  ) -> RotaryScaling {
    RotaryScaling(factor: factor, none: high, full: low, context: context)
  }

  /// YaRN (Peng et al. 2023): a ramp over the pairs, from that which turns `fast` times in the first context to that
  /// which turns `slow` times.
  ///
  /// - Parameters:
  ///   - amplitude: nil: 0.1 ln(factor) + 1.
  ///   - rounds: whether the ramp begins and ends at whole pairs.
  public static func yarn(
    factor: Double, amplitude: Double?, fast: Double, slow: Double, context: Double, rounds: Bool,
    base: Double, depth: Int
  ) -> RotaryScaling {
    func pair(turning turns: Double) -> Double {
      Double(depth) * log(context / (turns * 2 * Double.pi)) / (2 * log(base))
    }
    var (first, last) = (pair(turning: fast), pair(turning: slow))
    if rounds { (first, last) = (first.rounded(.down), last.rounded(.up)) }
    first = max(first, 0)
    last = min(last, Double(depth - 1))
    return RotaryScaling(
      factor: factor, amplitude: amplitude ?? (factor > 1 ? 0.1 * log(factor) + 1 : 1), none: first,
      full: first == last ? last + 0.001 : last)
  }
}
