import Foundation
import SystemFiles

/// Logs a run to an MLflow server, from a thread of its own.
///
/// Training appends to a journal on disk and goes on; the thread sends what is there, tries again
/// when the server is away, slow or broken, and says so once. What is not sent when the run ends is
/// waited for a little and then left in the journal, for `MLflowTracker.send`.
public final class MLflowTracker: Tracker {
  /// What and where to log.
  public struct Options: Sendable {
    public var server: String
    public var experiment = "moec"
    public var runName: String
    public var tags: [String: String] = [:]
    /// What the run is found by on the server, a tag: that of an earlier run to go on with it.
    public var identifier = UUID().uuidString.lowercased()
    /// The folder for the journal.
    public var folder: String
    /// Seconds that `finish` waits for a server that does not answer.
    public var patience = 10.0
    /// Seconds that a single call may take.
    public var timeout = 10.0

    public init(server: String, runName: String, folder: String = MLflowTracker.usualFolder) {
      self.server = server
      self.runName = runName
      self.folder = folder
    }
  }

  private let journal: MLflowJournal
  private let sender: MLflowSender
  private let options: Options
  private let complain: @Sendable (String) -> Void
  private var isIncomplete = false

  /// Where journals lie: `mlflow` in moec's cache, or among the temporary files if there is none.
  public static var usualFolder: String { CacheFolder.lasting("mlflow").path }

  /// Starts a run, or goes on with one. Errors: the address is none, or the journal cannot be made;
  /// whether the server is there does not matter. `complain` gets each kind of trouble once, on
  /// another thread.
  public init(
    _ options: Options, complain: @escaping @Sendable (String) -> Void
  ) throws {
    let server = try MLflowServer(options.server, timeout: options.timeout)
    journal = try MLflowTracker.journal(options.folder)
    self.options = options
    self.complain = complain
    sender = MLflowSender(journal, server, complain: complain)
    add(
      .begin(
        MLflowRun(
          server: server.address.shown, experiment: options.experiment, name: options.runName,
          time: now(), tags: options.tags, identifier: options.identifier)))
    sender.start()
  }

  /// Errors: `server` is no address, as is found before anything is kept for it.
  public static func check(server: String) throws(MLflowError) {
    _ = try MLflowServer(server, timeout: 1)
  }

  /// Where the folder cannot be written, journals go where temporary files do.
  private static func journal(_ folder: String) throws(MLflowError) -> MLflowJournal {
    do throws(MLflowError) {
      return try MLflowJournal(folder: folder)
    } catch {
      let temporary = try? MLflowJournal(folder: NSTemporaryDirectory(), prefix: "moec-mlflow-")
      guard let temporary else { throw error }
      return temporary
    }
  }

  private func add(_ entry: MLflowJournal.Entry) {
    if journal.append(entry) || isIncomplete { return }
    isIncomplete = true
    complain(
      "\(journal.path) cannot be written: what is missing there is not logged to MLflow; "
        + "training goes on")
  }

  public func log(parameters: [String: String]) {
    add(.batch(MLflowBatch(parameters: parameters)))
  }

  public func log(metrics: [String: Double], step: Int) {
    let time = now()
    let metrics = metrics.sorted { $0.key < $1.key }.map {
      MLflowBatch.Metric(key: $0.key, value: $0.value, time: time, step: step)
    }
    add(.batch(MLflowBatch(metrics: metrics)))
  }

  /// The file is read when the entry's turn comes.
  public func log(file path: String, as name: String) {
    let place = URL(fileURLWithPath: PlainPath.of(path) ?? path).standardizedFileURL.path
    add(.file(path: journal.files.refer(to: place), name: name))
  }

  public func log(_ content: Data, as name: String) {
    add(.content(content, name: name))
  }

  public func finish(_ status: TrackingStatus) {
    add(.end(status, time: now()))
    journal.close()
    if !sender.wait(seconds: options.patience) {
      sender.stop()
      for path in journal.files.keep() {
        complain("\(path) cannot be kept for MLflow beside \(journal.path)")
      }
      complain(
        "not all is logged to MLflow; send the rest with: moec mlflow send "
          + ShellWord.quoted(journal.path))
    }
  }

  /// The run's id on the server, waited for so many seconds; nil if the server has not given one by then.
  public func run(waiting seconds: Double) -> String? {
    let limit = Date(timeIntervalSinceNow: seconds)
    while sender.run == nil, Date() < limit { Thread.sleep(forTimeInterval: 0.02) }
    return sender.run
  }

  public var continuation: (key: String, value: String)? { ("mlflow", options.identifier) }

  /// Sends what a run left in a journal, to the server that it was for or to another one, and
  /// removes the journal; gives how much of it the server will never take. Errors: the first that is
  /// not passed by trying again for `patience` seconds; the journal then stays.
  @discardableResult
  public static func send(
    journal path: String, to other: String? = nil, patience: Double = 30,
    complain: @escaping @Sendable (String) -> Void
  ) throws -> Int {
    let journal = try MLflowJournal(leftAt: path)
    guard case .begin(let run)? = journal.entries(from: 0).entries.first else {
      throw MLflowError.notAJournal(path: path)
    }
    let sender = MLflowSender(journal, try MLflowServer(other ?? run.server), complain: complain)
    sender.isPatient = false
    sender.start()
    if !sender.wait(seconds: patience) {
      sender.stop()
      complain("what is left stays in \(path)")
      throw sender.trouble ?? MLflowError.unreachable("nothing moves")
    }
    return sender.refused
  }

  /// An address with its password, if it has one, as `***`.
  public static func redacted(_ address: String) -> String { MLflowAddress.redacted(address) }
}

/// Milliseconds since 1970.
func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
