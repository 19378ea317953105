/// Lets a stream of text through until one of some texts appears in it, which is left out.
///
/// What may be the beginning of such a text is held back until it is clear.
struct StopFilter {
  private let stops: [[Character]]
  private var held: [Character] = []
  private(set) var isFinished = false

  init(_ stops: [String]) {
    self.stops = stops.filter { !$0.isEmpty }.map(Array.init)
  }

  /// Takes a piece of text; what can be shown now.
  mutating func take(_ piece: String) -> String {
    guard !isFinished, !stops.isEmpty else { return isFinished ? "" : piece }
    var shown = ""
    for character in piece where !isFinished {
      held.append(character)
      if let stop = stops.first(where: { held.ends(with: $0) }) {
        shown += String(held.dropLast(stop.count))
        (held, isFinished) = ([], true)
      }
      let waiting = stops.map { overlap(with: $0) }.max() ?? 0
      shown += String(held.dropLast(waiting))
      held = held.suffix(waiting)
    }
    return shown
  }

  /// What was held back, at the end.
  mutating func rest() -> String {
    defer { held = [] }
    return String(held)
  }

  /// How many of the last characters may begin a text.
  private func overlap(with stop: [Character]) -> Int {
    for count in stride(from: min(held.count, stop.count - 1), to: 0, by: -1)
    where held.suffix(count).elementsEqual(stop.prefix(count)) {
      return count
    }
    return 0
  }
}

extension [Character] {
  fileprivate func ends(with other: [Character]) -> Bool {
    count >= other.count && suffix(other.count).elementsEqual(other)
  }
}
