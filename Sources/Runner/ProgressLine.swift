import Foundation

/// One line on a terminal that is written over as work goes on; nothing where there is none.
public final class ProgressLine {
  private let isShown: Bool
  private let start: Double
  private let total: Double
  private var done = 0.0
  private var lastShown = 0.0
  private var label = ""

  /// A line for `total` units of work, shown on standard error if that is a terminal.
  public init(total: Double) {
    self.total = total
    isShown = isatty(STDERR_FILENO) == 1
    start = ProgressLine.now
  }

  /// Seconds since this began.
  public var elapsed: Double { ProgressLine.now - start }

  /// Some more of the work is done; the terminal sees it at most five times a second.
  public func advance(by units: Double, label: String? = nil) {
    done += units
    if let label { self.label = label }
    guard isShown, elapsed - lastShown > 0.2 else { return }
    lastShown = elapsed
    show("\r\u{1b}[K" + text)
  }

  /// Takes the line away, so that something else can be printed.
  public func clear() {
    if isShown && lastShown > 0 { show("\r\u{1b}[K") }
  }

  /// `step 412 of 5000, loss 2.3121, 3 min 20 s left`.
  var text: String {
    guard done > 0 else { return label }
    return "\(label), \(duration(elapsed / done * max(0, total - done))) left"
  }

  private func show(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
