import Foundation
import Words

/// Where values lie on an axis, and which of them are marked on it.
struct ValueAxis: Equatable {
  /// The values at the ends.
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  /// Round values within the ends, rising.
  let ticks: [Double]

  /// From 0 to 1 along the axis.
  func fraction(_ value: Double) -> Double {
    if isLogarithmic { return log(max(value, low) / low) / log(high / low) }
    return (value - low) / (high - low)
  }

  /// Holds all values, its ends and some `count` ticks at 1, 2 or 5 times a power of ten.
  static func linear(_ values: [Double], count: Int, fromZero: Bool = false) -> ValueAxis {
    var least = values.min() ?? 0
    var most = values.max() ?? 1
    if fromZero { least = min(0, least) }
    if most <= least {
      let margin = most == 0 ? 1 : abs(most) / 2
      (least, most) = (fromZero ? least : least - margin, most + margin)
    }
    let unit = roundUnit(atLeast: (most - least) / Double(max(1, count)))
    let first = (least / unit + 1e-9).rounded(.down)
    let last = max((most / unit - 1e-9).rounded(.up), first + 1)
    let ticks = (0...Int(min(last - first, 1000))).map { (first + Double($0)) * unit }
    return ValueAxis(low: first * unit, high: last * unit, isLogarithmic: false, ticks: ticks)
  }

  /// Holds all values, which are above 0, and begins and ends near them.
  static func logarithmic(_ values: [Double], count: Int) -> ValueAxis {
    let least = (values.min() ?? 1) / 1.03
    let most = (values.max() ?? 10) * 1.03
    let ratio = most / least
    if ratio < 8 {
      // Within a decade, evenly spaced numbers are easier to read than powers.
      let even = linear([least, most], count: count * 3 / 2).ticks
      let inside = even.filter { $0 >= least && $0 <= most }
      let ticks = thinned(inside, least, most)
      return ValueAxis(low: least, high: most, isLogarithmic: true, ticks: ticks)
    }
    let decades = Int(log10(least).rounded(.down))...Int(log10(most).rounded(.up))
    let digits: [Double] = ratio > 1e4 ? [1] : ratio > 80 ? [1, 3] : [1, 2, 5]
    let ticks = decades.flatMap { decade in digits.map { $0 * pow(10, Double(decade)) } }
      .filter { $0 >= least && $0 <= most }
    return ValueAxis(low: least, high: most, isLogarithmic: true, ticks: ticks)
  }

  /// Even numbers crowd at the upper end of a logarithmic axis: those too near are left out.
  private static func thinned(_ ticks: [Double], _ low: Double, _ high: Double) -> [Double] {
    var kept: [Double] = []
    for tick in ticks {
      if let last = kept.last, log(tick / last) / log(high / low) < 0.06 { continue }
      kept.append(tick)
    }
    return kept
  }

  /// Whole steps from 0 to the last one, or to a round number that is hardly larger.
  static func steps(through last: Int, count: Int) -> ValueAxis {
    var end = Double(max(last, 1))
    let unit = max(1, roundUnit(atLeast: end / Double(max(1, count))))
    let round = (end / unit).rounded(.up) * unit
    if round <= end * 1.02 { end = round }
    let ticks = (0...Int(end / unit)).map { Double($0) * unit }
    return ValueAxis(low: 0, high: end, isLogarithmic: false, ticks: ticks)
  }

  /// The least of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that is not below `size`.
  private static func roundUnit(atLeast size: Double) -> Double {
    guard size > 0, size.isFinite else { return 1 }
    let power = pow(10, log10(size).rounded(.down))
    let digit = [1.0, 2, 5].first { $0 * power >= size * (1 - 1e-9) } ?? 10
    return digit * power
  }

  /// All ticks with as many decimals as the finest of them needs.
  var labels: [String] {
    let sizes = zip(ticks, ticks.dropFirst()).map { $1 - $0 }
    let finest = sizes.min() ?? ticks.first.map(abs) ?? 1
    let largest = ticks.map(abs).max() ?? 1
    if largest < 1e-3 || largest >= 1e7 || (isLogarithmic && high / low > 1e4) {
      return ticks.map { Self.scientific($0) }
    }
    let decimals = finest >= 1 ? 0 : Int((-log10(finest) - 1e-9).rounded(.up))
    return ticks.map { tick in
      decimals == 0 ? Int(tick.rounded()).grouped : String(format: "%.\(decimals)f", tick)
    }
  }

  /// `3e-4`, `2.5e-4`, and 0 as it is.
  static func scientific(_ value: Double, digits: Int = 4) -> String {
    if value == 0 { return "0" }
    let words = String(format: "%.\(digits - 1)e", value).split(separator: "e")
    var digits = String(words[0])
    while digits.hasSuffix("0") { digits.removeLast() }
    if digits.hasSuffix(".") { digits.removeLast() }
    return "\(digits)e\(Int(words[1]) ?? 0)"
  }
}
