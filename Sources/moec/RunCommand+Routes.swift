import Foundation
import Runner
import SystemFiles

extension RunCommand {
  /// Shows which experts a text's tokens go to.
  func showRoutes(of text: String) throws {
    try claims().check()
    var options = options
    options.text = .vocabulary
    let session = try open(options)
    noteUntrained()
    if let html = routes.html { try AtomicFile.check(html) }
    let routed = try session.routed(text)
    if let html = routes.html {
      try AtomicFile.write(RoutePage(routed, note: note(routed, session)).html, to: html)
      return tell("wrote \(html)")
    }
    try printNow(isColoured ? routed.coloured(width: terminalWidth) : routed.table)
  }

  private func note(_ routed: RoutedText, _ session: Session) -> String {
    let count = "\(routed.tokens.count) \(session.coding.unit)"
    guard let weights else { return "\(count), new parameters, seed \(session.seed)" }
    let name = (weights as NSString).lastPathComponent
    return "\(count), \(name) after \(session.step) steps, seed \(session.seed)"
  }

  /// Colours are for people: not for files and pipes, and not where NO_COLOR asks for none.
  private var isColoured: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty
      && environment["TERM"] != "dumb"
  }

  private var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
