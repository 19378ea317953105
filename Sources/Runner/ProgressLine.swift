import Foundation
import SystemFiles

/// One line on a terminal that is written over as work goes on; nothing where there is none.
public final class ProgressLine {
  private let isShown: Bool
  private let start: Double
  private let total: Double
  private var done = 0.0
  private var lastShown = 0.0

  /// A line for `total` units of work, shown on standard error if that is a terminal and `isShown`.
  public init(total: Double, isShown: Bool = true) {
    self.total = total
    self.isShown = isShown && Terminal.canRewrite(STDERR_FILENO)
    start = ProgressLine.now
  }

  /// Seconds since this began.
  public var elapsed: Double { ProgressLine.now - start }

  /// Some more of the work is done; the terminal sees it at most five times a second, and only
  /// then is the label made: its parts, the most important first.
  public func advance(by units: Double, label: () -> [String]) {
    done += units
    guard isShown, elapsed - lastShown > 0.2 else { return }
    lastShown = elapsed
    show("\r\u{1b}[K" + Self.fitted(label(), "\(timeLeft) left", columns: columns))
  }

  /// Takes the line away, so that something else can be printed.
  public func clear() {
    if isShown && lastShown > 0 { show("\r\u{1b}[K") }
  }

  /// `3 min 20 s`.
  var timeLeft: String {
    done > 0 ? duration(elapsed / done * max(0, total - done)) : "some time"
  }

  /// The parts and the end, without those of the last parts that find no room. A line as wide as
  /// the terminal would stay on it when it is written over, and so would one that Ctrl-C, of which
  /// the terminal shows `^C`, makes as wide.
  static func fitted(_ parts: [String], _ end: String, columns: Int) -> String {
    let room = max(0, columns - 3)
    var parts = parts
    while parts.count > 1, (parts + [end]).joined(separator: ", ").count > room {
      parts.removeLast()
    }
    return String((parts + [end]).joined(separator: ", ").prefix(room))
  }

  private var columns: Int { Terminal.columns(STDERR_FILENO) ?? 80 }

  private func show(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
