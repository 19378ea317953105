/// A step on the way from a text to pieces: merges never cross their borders.
enum PieceStep: Equatable, Sendable {
  /// What is found is dealt with in one of five ways; `inverts`: what is between is found.
  case split(Finder, Behavior, inverts: Bool)
  /// Spaces become another character, which may also be put before a text, and pieces begin with it.
  case metaspace(Unicode.Scalar, prepends: Prepending, splits: Bool)

  /// What is looked for.
  enum Finder: Equatable, Sendable {
    case text([UInt8])
    case expression(PieceExpression)
    /// One character of a class.
    case one(CharacterClass)
  }

  /// What becomes of a match and its neighbours.
  enum Behavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  /// Before which pieces the character is put that stands for a space.
  enum Prepending: String, Sendable { case always, first, never }
}

/// A stretch of a text, and whether it was found.
private struct Stretch {
  var range: Range<Int>
  var isMatch: Bool
}

extension PieceStep.Finder {
  /// Matches and what is between, in order.
  fileprivate func stretches(
    of text: UnsafeBufferPointer<UInt8>, _ body: (Stretch) throws -> Void
  ) rethrows {
    var done = 0
    func found(_ range: Range<Int>) throws {
      if done < range.lowerBound {
        try body(Stretch(range: done..<range.lowerBound, isMatch: false))
      }
      try body(Stretch(range: range, isMatch: true))
      done = range.upperBound
    }
    switch self {
    case .text(let pattern):
      var position = 0
      while let first = pattern.first, position + pattern.count <= text.count {
        if text[position] == first, text[position...].starts(with: pattern) {
          try found(position..<position + pattern.count)
          position += pattern.count
        } else {
          position += 1
        }
      }
    case .expression(let expression):
      var matcher = PieceMatcher(expression, text)
      while let range = matcher.next(from: done) { try found(range) }
    case .one(let group):
      var position = 0
      while position < text.count {
        let (value, size) = decoded(text, position)
        if group.contains(value) { try found(position..<position + size) }
        position += size
      }
    }
    if done < text.count { try body(Stretch(range: done..<text.count, isMatch: false)) }
  }

  private func decoded(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> (UInt32, Int) {
    let first = text[position]
    if first < 0x80 { return (UInt32(first), 1) }
    let size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    var value = UInt32(first) & (0x7f >> UInt32(size))
    for index in 1..<size { value = value << 6 | UInt32(text[position + index] & 0x3f) }
    return (value, size)
  }
}

extension PieceStep {
  /// Calls with each piece of a text, in order. `isFirst`: the text begins where everything begins.
  func pieces(
    of text: UnsafeBufferPointer<UInt8>, isFirst: Bool,
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    switch self {
    case .split(let finder, let behavior, let inverts):
      try PieceStep.split(text, finder, behavior, inverts) {
        try body(UnsafeBufferPointer(rebasing: text[$0]))
      }
    case .metaspace(let character, let prepends, let splits):
      let mark = Array(String(character).utf8)
      var changed = Normalizer.replace([0x20], mark, in: Array(text))
      let isPrepended = prepends == .always || (prepends == .first && isFirst)
      if isPrepended, !changed.isEmpty, !changed.starts(with: mark) { changed = mark + changed }
      try changed.withUnsafeBufferPointer { changed in
        guard splits else { return try body(changed) }
        try PieceStep.split(changed, .text(mark), .mergedWithNext, false) {
          try body(UnsafeBufferPointer(rebasing: changed[$0]))
        }
      }
    }
  }

  private static func split(
    _ text: UnsafeBufferPointer<UInt8>, _ finder: Finder, _ behavior: Behavior, _ inverts: Bool,
    _ body: (Range<Int>) throws -> Void
  ) rethrows {
    var waiting: Stretch?
    func end() throws {
      if let last = waiting { try body(last.range) }
      waiting = nil
    }
    try finder.stretches(of: text) { stretch in
      var stretch = stretch
      if inverts { stretch.isMatch.toggle() }
      let isJoined: Bool
      switch behavior {
      case .removed:
        if !stretch.isMatch { try body(stretch.range) }
        return
      case .isolated: return try body(stretch.range)
      case .contiguous: isJoined = waiting?.isMatch == stretch.isMatch
      case .mergedWithPrevious: isJoined = stretch.isMatch && waiting?.isMatch == false
      case .mergedWithNext: isJoined = !stretch.isMatch && waiting?.isMatch == true
      }
      if isJoined, let last = waiting {
        let isMatch = behavior == .mergedWithNext ? false : stretch.isMatch
        waiting = Stretch(
          range: last.range.lowerBound..<stretch.range.upperBound, isMatch: isMatch)
      } else {
        try end()
        waiting = stretch
      }
    }
    try end()
  }
}
