import Foundation

extension MLflowSender {
  func send(_ entry: MLflowJournal.Entry) throws(MLflowError) {
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
    guard let place = journal.files.location(of: path) else {
      throw .refused(
        status: 0, code: "", message: "\(path) is no file beside the journal, and is not sent")
    }
    guard FileManager.default.isReadableFile(atPath: place) else {
      throw .refused(status: 0, code: "", message: "\(place) cannot be read")
    }
    try server.put(file: URL(fileURLWithPath: place), to: folder + "/" + name)
    journal.files.forget(path)
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
