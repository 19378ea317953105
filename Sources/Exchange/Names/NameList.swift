/// Many names on one line: those that differ only in their first number are told as one,
/// `block.{0-7}.mixture.up.weight`.
public struct NameList: CustomStringConvertible, Sendable {
  public let description: String

  public init(_ names: [String], separator: String = ", ") {
    var order: [String] = []
    var numbers: [String: [Int]] = [:]
    for name in names {
      let (pattern, number) = NameList.split(name)
      if numbers[pattern] == nil { order.append(pattern) }
      numbers[pattern, default: []] += number.map { [$0] } ?? []
    }
    description = order.map { pattern in
      pattern.replacing("*", with: NameList.ranges(numbers[pattern] ?? []), maxReplacements: 1)
    }.joined(separator: separator)
  }

  /// The name with its first whole part that is a number as `*`, and the number.
  private static func split(_ name: String) -> (pattern: String, number: Int?) {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !name.contains("*"), let place = parts.firstIndex(where: { Int($0) != nil }),
      let number = Int(parts[place])
    else { return (name, nil) }
    parts[place] = "*"
    return (parts.joined(separator: "."), number)
  }

  /// `3` for one number, `{0-2,5}` for more.
  private static func ranges(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = ranges.last, number <= last.upperBound + 1 {
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, number)
      } else {
        ranges.append(number...number)
      }
    }
    let texts = ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }
    return numbers.count == 1 ? texts[0] : "{\(texts.joined(separator: ","))}"
  }
}
