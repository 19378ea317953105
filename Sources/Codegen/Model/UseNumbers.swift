/// Numbers that the uses of a layer have, as C that has them for use `l`: places that follow from each other are
/// a formula, so that the C does not grow with depth.
struct UseNumbers {
  /// The formula, or the element of a table.
  let expression: String

  /// The table, where no formula is found: `block_places_saved`.
  let table: String?

  init(_ numbers: [Int], table name: String) {
    if let formula = Self.formula(numbers) {
      (expression, table) = (formula, nil)
      return
    }
    expression = "\(name)[l]"
    let lines = stride(from: 0, to: numbers.count, by: 8).map { first in
      "    "
        + numbers[first..<min(first + 8, numbers.count)].map { "\($0)," }.joined(separator: " ")
    }
    table = (["static const size_t \(name)[] = {"] + lines + ["};"]).joined(separator: "\n")
  }

  /// Steps of one size, from the first use or the second on; or two numbers in turn.
  private static func formula(_ numbers: [Int]) -> String? {
    if let steps = steps(numbers, from: 0) { return steps }
    if let rest = steps(Array(numbers.dropFirst()), from: 1) {
      return "(l ? \(rest) : \(numbers[0]))"
    }
    let alternates = zip(numbers, numbers.dropFirst(2)).allSatisfy { $0 == $1 }
    return alternates ? "(l % 2 ? \(numbers[1]) : \(numbers[0]))" : nil
  }

  private static func steps(_ numbers: [Int], from first: Int) -> String? {
    guard let start = numbers.first else { return "0" }
    let step = numbers.count > 1 ? numbers[1] - start : 0
    guard numbers.indices.allSatisfy({ numbers[$0] == start + step * $0 }) else { return nil }
    let (zero, size) = (start - first * step, abs(step))
    if size == 0 { return "\(start)" }
    let product = size == 1 ? "l" : "\(size) * l"
    if step < 0 { return "\(zero) - \(product)" }
    return zero == 0 ? product : zero < 0 ? "\(product) - \(-zero)" : "\(zero) + \(product)"
  }
}
