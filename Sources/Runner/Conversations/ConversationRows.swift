/// Rows of T places, in each of which texts lie one behind the other.
struct ConversationRows: Sendable {
  /// Texts, row after row.
  private var texts: [Int] = []
  /// Where each row's texts begin, and where the last's end.
  private var starts = [0]

  var count: Int { starts.count - 1 }

  subscript(row: Int) -> ArraySlice<Int> { texts[starts[row]..<starts[row + 1]] }

  /// A row for each text.
  init(one count: Int) {
    texts = Array(0..<count)
    starts = Array(0...count)
  }

  /// As few rows as best fit makes of texts of 1 to `context` places: the longest come first, each goes
  /// into the fullest row that has room for it, and of equally full ones into that which became so last.
  init(packing lengths: [Int], context: Int) {
    var rows: [[Int]] = []
    var open = [[Int]](repeating: [], count: context + 1)
    var rooms = RoomIndex(context)
    // By length, and in their order where that is equal.
    var byLength = [[Int]](repeating: [], count: context + 1)
    for (text, length) in lengths.enumerated() { byLength[length].append(text) }
    for length in stride(from: context, through: 1, by: -1) {
      for text in byLength[length] {
        var row = rows.count
        var room = context
        if let least = rooms.first(from: length), let found = open[least].popLast() {
          (row, room) = (found, least)
          if open[least].isEmpty { rooms.remove(least) }
          rows[row].append(text)
        } else {
          rows.append([text])
        }
        if room > length {
          open[room - length].append(row)
          rooms.insert(room - length)
        }
      }
    }
    for row in rows {
      texts += row
      starts.append(texts.count)
    }
  }
}

/// A set of numbers from 0 to a largest, as bits.
private struct RoomIndex {
  private var words: [UInt64]

  init(_ largest: Int) { words = Array(repeating: 0, count: largest / 64 + 1) }

  mutating func insert(_ room: Int) { words[room / 64] |= 1 << UInt64(room % 64) }

  mutating func remove(_ room: Int) { words[room / 64] &= ~(1 << UInt64(room % 64)) }

  /// The least number that is at least `room`.
  func first(from room: Int) -> Int? {
    var index = room / 64
    var word = words[index] & (~0 << UInt64(room % 64))
    while word == 0 {
      index += 1
      if index == words.count { return nil }
      word = words[index]
    }
    return index * 64 + word.trailingZeroBitCount
  }
}
