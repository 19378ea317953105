/// A C file with a look at the clock before and after some of its statements.
struct TimedText {
  private let lines: [Substring]

  /// Where each line of the generator's is in the file.
  private let places: [Int?]
  private var begins: [Int: Int] = [:]
  private var ends: [Int: Int] = [:]

  /// - Parameter statements: what the generator writes: the file, unless that was changed by hand.
  init(_ text: String, generatedAs statements: [Statement]) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let generated = statements.lines
    let (own, others) = (Self.code(generated.map { $0[...] }), Self.code(lines))
    var places = [Int?](repeating: nil, count: generated.count)
    for (line, place) in zip(own, Self.places(of: own.map(\.text), in: others.map(\.text))) {
      places[line.number] = place.map { others[$0].number }
    }
    self.places = places
  }

  /// The lines but for indentation; not those of comments, which quote the model.
  private static func code(_ lines: [Substring]) -> [(number: Int, text: [UInt8])] {
    lines.enumerated().map { ($0, Array($1.trimmed.utf8)) }.filter { !$1.starts(with: "//".utf8) }
  }

  /// The number from 1 of the line where a statement of the generator's begins; nil if the file has it
  /// no longer as it was.
  func line(of statement: Range<Int>) -> Int? {
    guard let first = places[statement.lowerBound],
      statement.allSatisfy({ places[$0] == first + $0 - statement.lowerBound })
    else { return nil }
    return first + 1
  }

  /// Times a statement, which is reported under a number; gives `line(of:)`.
  mutating func time(_ statement: Range<Int>, as site: Int) -> Int? {
    guard let line = line(of: statement) else { return nil }
    begins[line - 1] = site
    ends[line - 1 + statement.count] = site
    return line
  }

  var result: String {
    var timed: [Substring] = ["#include \"\(ProfileRecorder.header)\""]
    for (index, line) in lines.enumerated() {
      if let site = ends[index] { timed.append("    moec_profile_end(\(site));") }
      if let site = begins[index] { timed.append("    moec_profile_begin(\(site));") }
      timed.append(line)
    }
    return timed.joined(separator: "\n")
  }
}

extension TimedText {
  /// Where each of the lines is in a text that was made of them; nil for those that are gone.
  static func places(of lines: [[UInt8]], in changed: [[UInt8]]) -> [Int?] {
    let start = zip(lines, changed).prefix { $0 == $1 }.count
    let most = min(lines.count, changed.count) - start
    let end = zip(lines.reversed(), changed.reversed()).prefix(most).prefix { $0 == $1 }.count
    let between = kept(
      Array(lines[start..<lines.count - end]), Array(changed[start..<changed.count - end]))
    return (0..<start).map(\.self) + between.map { $0.map { $0 + start } }
      + (changed.count - end..<changed.count).map(\.self)
  }

  /// The same for texts that begin and end otherwise. Of very different ones nothing is taken to be kept:
  /// the time to compare them grows with the square of their difference.
  private static func kept(_ lines: [[UInt8]], _ changed: [[UInt8]]) -> [Int?] {
    if lines.count + changed.count > 4_000 { return lines.map { _ in nil } }
    var (gone, new): (Set<Int>, Set<Int>) = ([], [])
    for change in changed.difference(from: lines) {
      switch change {
      case .remove(let offset, _, _): gone.insert(offset)
      case .insert(let offset, _, _): new.insert(offset)
      }
    }
    var rest = changed.indices.filter { !new.contains($0) }.makeIterator()
    return lines.indices.map { gone.contains($0) ? nil : rest.next() }
  }
}
