/// What the splitting pattern knows of a character: letter, number, white space or other.
enum UnicodeClasses {
  static let other: UInt8 = 0
  static let letter: UInt8 = 1
  static let number: UInt8 = 2
  static let space: UInt8 = 3

  /// Every character from here on is `other`.
  static let limit = 0x32400

  /// The class of each character below `limit`.
  static let table: [UInt8] = {
    var table = [UInt8](repeating: other, count: limit)
    mark(letters, letter, &table)
    mark(numbers, number, &table)
    for character in spaces { table[character] = space }
    return table
  }()

  /// The characters of `\s`.
  private static let spaces =
    Array(0x9...0xd) + [0x20, 0x85, 0xa0, 0x1680] + Array(0x2000...0x200a)
    + [0x2028, 0x2029, 0x202f, 0x205f, 0x3000]

  private static func mark(_ ranges: String, _ kind: UInt8, _ table: inout [UInt8]) {
    let numbers = ranges.split(whereSeparator: \.isWhitespace).map { Int($0, radix: 16) ?? 0 }
    var end = 0
    for index in stride(from: 0, to: numbers.count - 1, by: 2) {
      let first = end + numbers[index]
      end = first + numbers[index + 1]
      for character in first...end { table[character] = kind }
    }
  }
}
