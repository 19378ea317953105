import Foundation

/// How long a program that moec starts may take, and who hears that it is being waited for.
public struct Supervision: Sendable {
  /// Seconds after which the program and all that it started are ended; nil: never.
  public var limit: Double?

  /// Called each second of waiting, from the second on, with the seconds gone; and with nil at the
  /// end if it was called before. Several programs may be waited for at once.
  public var report: @Sendable (_ seconds: Int?) -> Void

  public init(
    limit: Double? = nil, report: @escaping @Sendable (_ seconds: Int?) -> Void = { _ in }
  ) {
    self.limit = limit
    self.report = report
  }

  /// No limit, and nobody hears.
  public static let silent = Supervision()

  /// For the short questions that a compiler is asked before it is used.
  static let probing = Supervision(limit: 120)
}

/// The time that a supervised program has taken.
struct Stopwatch {
  private let supervision: Supervision
  private let start = Stopwatch.now
  private var reported = 1

  init(_ supervision: Supervision) { self.supervision = supervision }

  var isOver: Bool { supervision.limit.map { elapsed >= $0 } ?? false }

  /// Milliseconds until something is to be said or done, for `poll`.
  var patience: Int32 {
    let next = Double(reported + 1) - elapsed
    let end = supervision.limit.map { $0 - elapsed } ?? next
    return Int32(clamping: Int((max(0, min(next, end)) * 1000).rounded(.up)))
  }

  mutating func tick() {
    guard Int(elapsed) > reported else { return }
    reported = Int(elapsed)
    supervision.report(reported)
  }

  func stop() {
    if reported > 1 { supervision.report(nil) }
  }

  private var elapsed: Double { Self.now - start }

  static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
