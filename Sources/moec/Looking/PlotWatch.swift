import Charts
import Foundation
import Runner
import SystemFiles

/// Draws logs again whenever one of them changes, until someone stops it.
struct PlotWatch {
  enum Drawing {
    /// The first and the next ones, of runs that go on; the last, which nothing follows.
    case first, next, final
  }

  /// Seconds between looks at the logs, and after which a page loads itself again.
  static let interval = 0.5
  static let reload = 2.0

  /// Asked anew each time: runs may begin in a folder.
  let logs: () -> [String]

  /// Draws as soon as there is something to draw. A log that does not exist or that holds nothing
  /// yet is waited for. What cannot be drawn is an error at first; later, when somebody looks at the
  /// last drawing, it is said, and the next change is waited for.
  func run(_ draw: (Drawing) throws -> Void) throws {
    Interruption.watch()
    var (seen, isDrawn, isWaiting): ([State]?, Bool, Bool) = (nil, false, false)
    while Interruption.signal == nil {
      let logs = logs()
      let states = logs.map(State.init)
      if states.allSatisfy({ $0.size > 0 }) {
        if states != seen {
          try tolerate(isDrawn) { try draw(isDrawn ? .next : .first) }
          (seen, isDrawn) = (states, true)
        }
      } else if !isDrawn && !isWaiting {
        printToStandardError("waiting for \(logs.joined(separator: ", "))")
        isWaiting = true
      }
      Thread.sleep(forTimeInterval: Self.interval)
    }
    if isDrawn { try tolerate(true) { try draw(.final) } }
  }

  private func tolerate(_ isTolerant: Bool, _ draw: () throws -> Void) throws {
    do { try draw() } catch let error as any ExplainedError where isTolerant {
      printToStandardError("note: \(onOneLine(error.message)); the drawing stays as it was")
    }
  }

  /// What tells that a log was written to.
  private struct State: Equatable {
    var path: String
    var size: UInt64
    var changed: Date

    init(_ path: String) {
      self.path = path
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      size = (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
      changed = attributes?[.modificationDate] as? Date ?? .distantPast
    }
  }
}
