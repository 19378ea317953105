import Foundation

/// One parameter of a search: its name, and what it may be.
///
///     experts=2,4,8              one of these
///     chosen=1..4                a whole number; with :step=2 every second, with :log by magnitude
///     learning-rate=1e-4..3e-3:log
///     dropout=0..0.5:step=0.1
///     clip=0.1..10:log:points=5  for a grid, so many of the range
public struct Dimension: Hashable, Sendable {
  public var name: String
  public var values: Values
  /// How many of a range a grid has, if that was said.
  public var points: Int?
  /// As it was written.
  public let text: String

  public enum Values: Hashable, Sendable {
    case choices([TrialValue])
    case whole(ClosedRange<Int>, step: Int, isLogarithmic: Bool)
    case number(ClosedRange<Double>, step: Double?, isLogarithmic: Bool)
  }

  /// The same with numbers for whole numbers, for what takes any number.
  public var asNumbers: Dimension {
    guard case .whole(let range, let step, let isLogarithmic) = values else { return self }
    var copy = self
    copy.values = .number(
      Double(range.lowerBound)...Double(range.upperBound), step: step == 1 ? nil : Double(step),
      isLogarithmic: isLogarithmic)
    return copy
  }
}

extension Dimension {
  /// A number of five digits is exact enough for anything that is searched, and short in a command.
  static func rounded(_ number: Double, in range: ClosedRange<Double>) -> Double {
    let short = Double(String(format: "%.4e", number)) ?? number
    return min(max(short, range.lowerBound), range.upperBound)
  }

  /// A value that came from elsewhere as one of this dimension.
  func fitted(_ value: TrialValue) -> TrialValue {
    switch (values, value) {
    case (.number(let range, _, _), let value):
      value.asNumber.map { .number(Self.rounded($0, in: range)) } ?? value
    case (.whole, .number(let number)): Int(exactly: number).map(TrialValue.whole) ?? value
    case (.whole, _), (.choices, _): value
    }
  }

  /// The whole number nearest to one that rounding may have taken beyond the range, and beyond `Int`.
  private static func whole(_ number: Double, in range: ClosedRange<Int>) -> Int {
    let rounded = number.rounded()
    guard rounded < Double(range.upperBound) else { return range.upperBound }
    return max(Int(rounded), range.lowerBound)
  }

  /// Steps that a stepped range has from end to end; parsing has seen to it that they can be counted.
  private static func steps(_ range: ClosedRange<Double>, _ step: Double) -> Int {
    Int(((range.upperBound - range.lowerBound) / step + 1e-9).rounded(.down))
  }

  /// The value at a place from 0 up to 1, evenly in the dimension's own measure.
  func value(at place: Double) -> TrialValue {
    switch values {
    case .choices(let choices):
      return choices[min(Int(place * Double(choices.count)), choices.count - 1)]
    case .whole(let range, let step, let isLogarithmic):
      if isLogarithmic {
        let low = log(Double(range.lowerBound) - 0.5)
        let high = log(Double(range.upperBound) + 0.5)
        return .whole(Self.whole(exp(low + place * (high - low)), in: range))
      }
      let last = (range.upperBound - range.lowerBound) / step
      return .whole(range.lowerBound + step * min(Int(place * (Double(last) + 1)), last))
    case .number(let range, let step, let isLogarithmic):
      let (low, high) = (range.lowerBound, range.upperBound)
      if let step {
        let last = Self.steps(range, step)
        let number = low + step * Double(min(Int(place * Double(last + 1)), last))
        return .number(Self.rounded(number, in: range))
      }
      let number =
        isLogarithmic ? exp(log(low) + place * (log(high) - log(low))) : low + place * (high - low)
      return .number(Self.rounded(number, in: range))
    }
  }

  /// All values for a grid. Errors: a range without `:step` or `:points` has no end of them.
  func grid() throws(SearchError) -> [TrialValue] {
    if let points { return spread(points) }
    switch values {
    case .choices(let choices): return choices
    case .whole(let range, let step, _):
      guard (range.upperBound - range.lowerBound) / step < 100_000 else { break }
      return stride(from: range.lowerBound, through: range.upperBound, by: step)
        .map(TrialValue.whole)
    case .number(let range, let step?, _):
      let last = Self.steps(range, step)
      guard last < 100_000 else { break }
      return (0...last).map {
        .number(Self.rounded(range.lowerBound + step * Double($0), in: range))
      }
    case .number: break
    }
    throw SearchError(
      "\(name): a grid cannot have all of \(text)",
      hint: "say how many, as in \(text):points=5, or list them: \(name)=1,2,4")
  }

  /// So many values from end to end, each once.
  private func spread(_ count: Int) -> [TrialValue] {
    var values: [TrialValue] = []
    for index in 0..<count {
      let share = count == 1 ? 0.5 : Double(index) / Double(count - 1)
      let value = end(share)
      if !values.contains(value) { values.append(value) }
    }
    return values
  }

  private func end(_ share: Double) -> TrialValue {
    switch values {
    case .choices: return value(at: min(share, 0.999_999))
    case .whole(let range, let step, let isLogarithmic):
      let (low, high) = (Double(range.lowerBound), Double(range.upperBound))
      if isLogarithmic { return .whole(Self.whole(low * pow(high / low, share), in: range)) }
      let last = (range.upperBound - range.lowerBound) / step
      return .whole(range.lowerBound + step * Self.whole(share * Double(last), in: 0...last))
    case .number(let range, let step, let isLogarithmic):
      let (low, high) = (range.lowerBound, range.upperBound)
      if isLogarithmic { return .number(Self.rounded(low * pow(high / low, share), in: range)) }
      let way = step.map { $0 * (share * Double(Self.steps(range, $0))).rounded() }
      return .number(Self.rounded(low + (way ?? share * (high - low)), in: range))
    }
  }
}
