import Foundation

/// The thread that carries a journal to a server.
final class MLflowSender: @unchecked Sendable {
  private let journal: MLflowJournal
  private let server: MLflowServer
  private let complain: @Sendable (String) -> Void
  private let condition = NSCondition()
  // Guarded by the condition.
  private var isDone = false
  private var isStopped = false
  private var progress = 0
  private var runIdentifier: String?
  // The thread's own.
  private var artifacts: String?
  private var experiment: String?
  private var complaints = Set<String>()
  private var sent = 0

  /// A server takes no more of each in one batch.
  private static let most = (metrics: 1000, parameters: 100, entities: 1000)
  private static let longestParameter = 6000
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

  /// Tries until it succeeds or is refused for good; false when it was told to stop.
  private func deliver(_ entry: MLflowJournal.Entry) -> Bool {
    var pause = 0.5
    while true {
      do throws(MLflowError) {
        try send(entry)
        moved()
        return true
      } catch {
        say(error)
        if !error.isPassing {
          moved()
          return true
        }
      }
      if sleep(pause) { return false }
      pause = min(pause * 2, MLflowSender.longestPause)
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
  private func say(_ error: MLflowError) {
    let kind = error.isPassing ? "passing" : "\(error)"
    guard complaints.insert(kind).inserted else { return }
    let outcome =
      error.isPassing
      ? "training goes on, and what is logged is kept and sent later"
      : "training goes on without this"
    complain("MLflow at \(server.address.absoluteString): \(error); \(outcome)")
  }
}

// MARK: - Entries

extension MLflowSender {
  private func send(_ entry: MLflowJournal.Entry) throws(MLflowError) {
    switch entry {
    case .begin(let run): try begin(run)
    case .batch(let batch): try send(batch)
    case .file(let path, let name): try send(file: path, as: name)
    case .content(let data, let name):
      try server.put(data, to: try artifactFolder() + "/" + name)
    case .end(let status, let time): try end(status, time)
    case .sent: break
    }
  }

  /// A run that is there goes on: an earlier one, or one whose creation was answered too late.
  private func begin(_ wanted: MLflowRun) throws(MLflowError) {
    struct Body: Encodable {
      var experiment_id: String
      var run_name: String
      var start_time: Int64
      var tags: [Pair]
    }
    let experiment = try experiment(wanted.experiment)
    if try goOn(with: wanted.identifier, in: experiment) { return }
    let tags = wanted.tags.merging(
      ["mlflow.runName": wanted.name, "moec_run": wanted.identifier]) { _, new in new }
    let reply = try server.post(
      "mlflow/runs/create",
      Body(
        experiment_id: experiment, run_name: wanted.name, start_time: wanted.time,
        tags: Pair.list(tags)))
    guard try take(reply["run"]) else { throw .strange("runs/create gives no run") }
  }

  /// Whether the run is there; it is then running again.
  private func goOn(
    with identifier: String, in experiment: String
  ) throws(MLflowError) -> Bool {
    struct Body: Encodable {
      var experiment_ids: [String]
      var filter: String
      var max_results = 1
    }
    let reply = try server.post(
      "mlflow/runs/search",
      Body(experiment_ids: [experiment], filter: "tags.moec_run = '\(identifier)'"))
    guard try take((reply["runs"] as? [Any])?.first), let run else { return false }
    _ = try server.post("mlflow/runs/update", ["run_id": run, "status": "RUNNING"])
    return true
  }

  private func take(_ run: Any?) throws(MLflowError) -> Bool {
    guard let run = run as? [String: Any], let info = run["info"] as? [String: Any],
      let identifier = info["run_id"] as? String
    else { return false }
    artifacts = info["artifact_uri"] as? String
    condition.withLock { runIdentifier = identifier }
    return true
  }

  /// The experiment's id; it is made if it is not there.
  private func experiment(_ name: String) throws(MLflowError) -> String {
    if let experiment { return experiment }
    let identifier = try foundOrMade(name)
    experiment = identifier
    return identifier
  }

  /// Its pages then show what matters for trained models, and not for conversations.
  private static let experimentTags = ["mlflow.experimentKind": "custom_model_development"]

  private func foundOrMade(_ name: String) throws(MLflowError) -> String {
    struct Body: Encodable {
      var name: String
      var tags: [Pair]
    }
    if let identifier = try knownExperiment(name) { return identifier }
    do {
      let reply = try server.post(
        "mlflow/experiments/create", Body(name: name, tags: Pair.list(Self.experimentTags)))
      if let identifier = reply["experiment_id"] as? String { return identifier }
    } catch {
      // Another run was quicker.
      guard case .refused(_, "RESOURCE_ALREADY_EXISTS", _) = error else { throw error }
      if let identifier = try knownExperiment(name) { return identifier }
    }
    throw .strange("experiments/create gives no id")
  }

  private func knownExperiment(_ name: String) throws(MLflowError) -> String? {
    do {
      let reply = try server.get("mlflow/experiments/get-by-name", ["experiment_name": name])
      let experiment = reply["experiment"] as? [String: Any]
      return experiment?["experiment_id"] as? String
    } catch {
      if case .refused(404, "RESOURCE_DOES_NOT_EXIST", _) = error { return nil }
      throw error
    }
  }

  private func send(_ batch: MLflowBatch) throws(MLflowError) {
    struct Metric: Encodable {
      var key: String
      var value: Double
      var timestamp: Int64
      var step: Int
    }
    struct Body: Encodable {
      var run_id: String
      var metrics: [Metric]
      var params: [Pair]
    }
    let run = try identifier()
    let metrics = batch.metrics.map {
      Metric(key: $0.key, value: $0.value, timestamp: $0.time, step: $0.step)
    }
    let parameters = batch.parameters.mapValues { String($0.prefix(Self.longestParameter)) }
    _ = try server.post(
      "mlflow/runs/log-batch", Body(run_id: run, metrics: metrics, params: Pair.list(parameters)))
  }

  private func send(file path: String, as name: String) throws(MLflowError) {
    let folder = try artifactFolder()
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw .refused(status: 0, code: "", message: "\(path) cannot be read")
    }
    try server.put(file: URL(fileURLWithPath: path), to: folder + "/" + name)
  }

  /// Where the run's artifacts are, for the server that keeps them itself.
  private func artifactFolder() throws(MLflowError) -> String {
    _ = try identifier()
    guard let artifacts, let location = URL(string: artifacts),
      location.scheme == "mlflow-artifacts"
    else {
      throw .refused(
        status: 0, code: "",
        message: "its artifacts are at \(artifacts ?? "?"), not behind the server itself")
    }
    return location.path
  }

  private func end(_ status: TrackingStatus, _ time: Int64) throws(MLflowError) {
    struct Body: Encodable {
      var run_id: String
      var status: String
      var end_time: Int64
    }
    _ = try server.post(
      "mlflow/runs/update",
      Body(run_id: try identifier(), status: status.rawValue, end_time: time))
  }

  private func identifier() throws(MLflowError) -> String {
    guard let run else { throw .refused(status: 0, code: "", message: "there is no run") }
    if artifacts == nil {
      _ = try take(try server.get("mlflow/runs/get", ["run_id": run])["run"])
    }
    return run
  }

  private struct Pair: Encodable {
    var key: String
    var value: String

    static func list(_ pairs: [String: String]) -> [Pair] {
      pairs.sorted { $0.key < $1.key }.map { Pair(key: $0.key, value: $0.value) }
    }
  }
}

// MARK: - Merging

extension MLflowSender {
  /// Batches that follow each other as one, within a server's limits; with each the number of
  /// entries that it stands for.
  static func merged(
    _ entries: [MLflowJournal.Entry]
  ) -> [(entry: MLflowJournal.Entry, count: Int)] {
    var merged: [(entry: MLflowJournal.Entry, count: Int)] = []
    for entry in entries {
      if case .batch(let new) = entry, let last = merged.last, case .batch(let old) = last.entry,
        let both = joined(old, new)
      {
        merged[merged.count - 1] = (.batch(both), last.count + 1)
      } else {
        merged.append((entry, 1))
      }
    }
    return merged
  }

  private static func joined(_ old: MLflowBatch, _ new: MLflowBatch) -> MLflowBatch? {
    let metrics = old.metrics.count + new.metrics.count
    let parameters = old.parameters.count + new.parameters.count
    guard metrics <= most.metrics, parameters <= most.parameters,
      metrics + parameters <= most.entities
    else { return nil }
    return MLflowBatch(
      metrics: old.metrics + new.metrics,
      parameters: old.parameters.merging(new.parameters) { _, new in new })
  }
}
