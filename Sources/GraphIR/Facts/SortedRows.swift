/// What an op makes of rows sorted by expert.
public enum SortedRows: Hashable, Sendable {
  /// It takes none.
  case refused

  /// It makes them; after its first operand come start, source and slot of one route.
  case sorts

  /// It goes through them row by row, all sorted by one route.
  case rowByRow

  /// It may take them, expert by expert: its last operand is then the route's start.
  case byStart

  /// It takes nothing else, and finds a token's rows among them: its last operand is the route's slot.
  case bySlot

  /// It takes rows in the order of a route and gives what other ranks sent, or the other way round: after its first
  /// operand come the route's start, what was received of it, and the route's slot.
  case exchanges
}
