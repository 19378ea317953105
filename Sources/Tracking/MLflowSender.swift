import Foundation

/// The thread that carries a journal to a server.
final class MLflowSender: @unchecked Sendable {
  let journal: MLflowJournal
  let server: MLflowServer
  private let complain: @Sendable (String) -> Void
  let condition = NSCondition()
  // Guarded by the condition.
  private var isDone = false
  private var isStopped = false
  private var progress = 0
  var runIdentifier: String?
  private var isGivenUp = false
  private var lastTrouble: MLflowError?
  private var refusals = 0
  /// Whether what is refused for now is tried again; set before it starts.
  var isPatient = true
  // The thread's own.
  var artifacts: String?
  var experiment: String?
  private var complaints = Set<String>()
  private var sent = 0

  /// A server takes no more of each in one batch.
  static let most = (metrics: 1000, parameters: 100, entities: 1000)
  static let longestParameter = 6000
  private static let longestPause = 15.0

  init(
    _ journal: MLflowJournal, _ server: MLflowServer,
    complain: @escaping @Sendable (String) -> Void
  ) {
    self.journal = journal
    self.server = server
    self.complain = complain
  }

  /// The run's id on the server; nil until it is known.
  var run: String? { condition.withLock { runIdentifier } }

  /// What went wrong last, and how many entries the server will never take.
  var trouble: MLflowError? { condition.withLock { lastTrouble } }
  var refused: Int { condition.withLock { refusals } }

  func start() {
    let thread = Thread { [self] in work() }
    thread.name = "mlflow"
    thread.start()
  }

  /// Waits until all is sent; false if nothing moved for so many seconds.
  func wait(seconds: Double) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    var seen = progress
    var limit = Date(timeIntervalSinceNow: seconds)
    while !isDone {
      if isGivenUp { return false }
      if !condition.wait(until: limit) {
        if progress == seen { return false }
      }
      if progress != seen {
        seen = progress
        limit = Date(timeIntervalSinceNow: seconds)
      }
    }
    return true
  }

  /// Gives up; the journal stays.
  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
    }
  }

  private func work() {
    var offset = 0
    while true {
      let (entries, end) = journal.entries(from: offset)
      if end == offset { break }
      offset = end
      for entry in MLflowSender.merged(skippingSent(entries)) {
        guard deliver(entry.entry) else { return }
        sent += entry.count
        if let run { journal.append(.sent(count: sent, run: run)) }
      }
    }
    journal.remove()
    condition.withLock {
      isDone = true
      condition.broadcast()
    }
  }

  /// Entries that the server does not have yet. A journal that was left tells how many it has; the
  /// run's id comes from there too.
  private func skippingSent(_ entries: [MLflowJournal.Entry]) -> [MLflowJournal.Entry] {
    var known = 0
    var plain: [MLflowJournal.Entry] = []
    for entry in entries {
      if case .sent(let count, let run) = entry {
        guard self.run == nil || count > sent else { continue }
        known = max(known, count)
        condition.withLock { runIdentifier = runIdentifier ?? run }
      } else {
        plain.append(entry)
      }
    }
    guard sent == 0, known > 0 else { return plain }
    sent = min(known, plain.count)
    return Array(plain.dropFirst(known))
  }

  /// Tries until it succeeds or is refused for good; false when it was told to stop, or where trying
  /// again is not wanted.
  private func deliver(_ entry: MLflowJournal.Entry) -> Bool {
    var pause = 0.5
    while true {
      do throws(MLflowError) {
        try send(entry)
        moved()
        return true
      } catch {
        let isKept = error.isPassing || Self.isKept(entry, error)
        say(error, isKept: isKept)
        if !isKept {
          condition.withLock { refusals += 1 }
          moved()
          return true
        }
        if !error.isPassing, !isPatient {
          giveUp()
          return false
        }
      }
      if sleep(pause) { return false }
      pause = min(pause * 2, MLflowSender.longestPause)
    }
  }

  /// Whether a refusal is no reason to leave the entry out: one of who asks, and one of the run itself,
  /// without which nothing of it can be sent.
  private static func isKept(_ entry: MLflowJournal.Entry, _ error: MLflowError) -> Bool {
    if case .begin = entry { return true }
    return error.isAboutAccess
  }

  private func giveUp() {
    condition.withLock {
      isGivenUp = true
      condition.broadcast()
    }
  }

  private func moved() {
    condition.withLock {
      progress += 1
      condition.broadcast()
    }
  }

  /// Whether it was told to stop meanwhile.
  private func sleep(_ seconds: Double) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    let limit = Date(timeIntervalSinceNow: seconds)
    while !isStopped, condition.wait(until: limit) {}
    return isStopped
  }

  /// Trouble that passes is said once in a run, and each refusal once.
  private func say(_ error: MLflowError, isKept: Bool) {
    condition.withLock { lastTrouble = error }
    // Whoever gives up says it himself.
    if !error.isPassing, isKept, !isPatient { return }
    let kind = error.isPassing ? "passing" : "\(error)"
    guard complaints.insert(kind).inserted else { return }
    let outcome =
      isKept
      ? "training goes on, and what is logged is kept and sent later"
      : "training goes on without this"
    complain("MLflow at \(server.address.shown): \(error); \(outcome)")
  }
}
