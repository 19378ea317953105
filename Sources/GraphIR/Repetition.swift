/// How a tensor with fewer axes meets one that has them all: with its last axes, its first, or both.
///
///     [C] in [B, T, C]: leading ones are missing      [B, T] in [B, T, C]: trailing ones
///     [B, C] in [B, T, C]: those between
public struct Repetition: Hashable, Sendable {
  /// How many of its axes come before those that it lacks, and how many after.
  public var before: Int
  public var after: Int

  /// How `part` is repeated in `whole`, where the missing axes are neighbours; nil if it is not.
  ///
  /// Where it could be in several ways, its axes are the last ones, or else the first.
  public init?(of part: [Axis], in whole: [Axis]) {
    self.init(part.count, whole.count) { part[$0] == whole[$1] }
  }

  /// The same for axes of a pass, which may reach less far.
  public init?(ofWritten part: [Axis], in whole: [Axis]) {
    self.init(part.count, whole.count) { part[$0].written == whole[$1].written }
  }

  private init?(_ count: Int, _ total: Int, _ areEqual: (Int, Int) -> Bool) {
    let missing = total - count
    guard missing >= 0 else { return nil }
    let places = [0, count] + Array(0..<count).dropFirst()
    let place = places.first { before in
      (0..<count).allSatisfy { areEqual($0, $0 < before ? $0 : $0 + missing) }
    }
    guard let place else { return nil }
    (before, after) = (place, count - place)
  }

  /// The place in the whole of an axis of the part.
  public func place(of axis: Int, missing: Int) -> Int { axis < before ? axis : axis + missing }

  /// Those axes of the whole that the part has, and those that it lacks.
  public func met(of whole: [Axis]) -> [Axis] { Array(whole.prefix(before) + whole.suffix(after)) }
  public func missing(of whole: [Axis]) -> [Axis] {
    Array(whole.dropFirst(before).dropLast(after))
  }
}
