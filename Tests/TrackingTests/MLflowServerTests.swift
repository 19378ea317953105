import Foundation
import ModelFixtures
import Testing

@testable import Tracking

/// A real `mlflow server` on loopback with its own sqlite store, from PATH or MOEC_MLFLOW.
final class RealServer: @unchecked Sendable {
  let address: String
  private let server: StartedCommand

  static let program: String? = {
    if let named = ProcessInfo.processInfo.environment["MOEC_MLFLOW"] { return named }
    let found = try? Command.run("/usr/bin/env", ["which", "mlflow"])
    guard let found, found.status == 0 else { return nil }
    return found.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }()

  struct DidNotStart: Error {
    var log: String
  }

  init() throws {
    // A free port, as good as any other way to find one.
    let probe = try FakeServer { _, _ in nil }
    let port = probe.port
    probe.stop()
    address = "http://127.0.0.1:\(port)"
    let folder = try ModelFixture.folder()
    server = try StartedCommand(
      Self.program ?? "",
      [
        "server", "--host", "127.0.0.1", "--port", "\(port)", "--workers", "1",
        "--backend-store-uri", "sqlite:///\(folder)/mlflow.db", "--artifacts-destination",
        folder + "/artifacts",
      ], in: folder,
      // Its job runners are ten more processes that nobody here needs.
      environment: ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"])
    for _ in 0..<600 where server.isRunning {
      if (try? get("/health")) == "OK" { return }
      Thread.sleep(forTimeInterval: 0.2)
    }
    stop()
    throw DidNotStart(log: try server.end().errors)
  }

  func stop() {
    // It has children that outlive a request to end; all are in its own group.
    server.send(SIGKILL, toItsGroup: true)
    _ = try? server.end()
  }

  /// The text of an answer.
  func get(_ path: String) throws -> String {
    try Command.run("/usr/bin/env", ["curl", "-sfm", "20", address + path]).output
  }

  func json(_ path: String) throws -> [String: Any] {
    let text = try get("/api/2.0/mlflow/" + path)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try #require(object as? [String: Any])
  }

  func experiment(_ name: String) throws -> String {
    let reply = try json("experiments/get-by-name?experiment_name=\(name)")
    return try #require((reply["experiment"] as? [String: Any])?["experiment_id"] as? String)
  }

  /// Every run of an experiment, the newest first.
  func runs(_ experiment: String) throws -> [[String: Any]] {
    let reply = try Command.run(
      "/usr/bin/env",
      [
        "curl", "-sfm", "20", "-H", "Content-Type: application/json", "-d",
        #"{"experiment_ids":["\#(try self.experiment(experiment))"]}"#,
        address + "/api/2.0/mlflow/runs/search",
      ]
    ).output
    let object = try JSONSerialization.jsonObject(with: Data(reply.utf8)) as? [String: Any]
    return object?["runs"] as? [[String: Any]] ?? []
  }
}

extension [String: Any] {
  fileprivate subscript(path: String...) -> Any? {
    path.reduce(self as Any?) { ($0 as? [String: Any])?[$1] }
  }
}

@Suite(
  .serialized,
  .enabled(
    if: RealServer.program != nil,
    "needs MLflow: pip install mlflow, and it on PATH or its path in MOEC_MLFLOW"))
struct MLflowServerTests {
  /// The command as a user gives it; its journals go to a folder of the test.
  private func train(_ server: RealServer, _ more: [String], in folder: String) throws -> Command {
    let text = folder + "/text.txt"
    let words = String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
    try words.write(toFile: text, atomically: true, encoding: .utf8)
    return try Command.shell(
      "XDG_CACHE_HOME=\"$PWD/cache\" exec \"$0\" \"$@\"",
      [
        "run", try ModelFixture.bigram(), "--train", "--data", text, "--eval-batches", "2",
        "--eval-interval", "20", "--threads", "1", "--mlflow", server.address,
        "--mlflow-experiment", "tests", "--save", "w.safetensors", "--log", "log.jsonl",
      ] + more, in: folder)
  }

  private func status(_ run: [String: Any]) -> String? { run["info", "status"] as? String }

  @Test func logsRunsOfTheCommand() throws {
    let server = try RealServer()
    defer { server.stop() }
    let folder = try ModelFixture.folder()
    let trained = try train(
      server, ["--steps", "101", "--mlflow-run-name", "first"], in: folder)
    #expect(trained.status == 0 && !trained.errors.contains("MLflow"), "\(trained.errors)")
    let run = try #require(server.runs("tests").first)
    let identifier = try #require(run["info", "run_id"] as? String)
    #expect(status(run) == "FINISHED")
    #expect(run["info", "run_name"] as? String == "first")
    try checkData(of: run)
    let history = try server.json("metrics/get-history?run_id=\(identifier)&metric_key=val_loss")
    let metrics = try #require(history["metrics"] as? [[String: Any]])
    #expect(
      metrics.compactMap { ($0["step"] as? NSNumber)?.intValue } == [0, 20, 40, 60, 80, 100])
    #expect(
      try artifacts(server, identifier)
        == ["curve.html", "curve.svg", "log.jsonl", "w.best.safetensors", "w.safetensors"])

    // A resumed run goes on in the same one.
    let resumed = try train(
      server, ["--resume", "w.safetensors", "--steps", "161"], in: folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try server.runs("tests").count == 1)
    try checkFailure(server, in: folder)
  }

  private func checkData(of run: [String: Any]) throws {
    let parameters = try #require(run["data", "params"] as? [[String: String]])
    let values = Dictionary(uniqueKeysWithValues: parameters.map { ($0["key"]!, $0["value"]!) })
    #expect(values["steps"] == "101" && values["model"] == "bigram" && values["axis/E"] == "2")
    let metrics = try #require(run["data", "metrics"] as? [[String: Any]])
    let names = Set(metrics.compactMap { $0["key"] as? String })
    #expect(names.isSuperset(of: ["train_loss", "val_loss", "batch_loss", "learning_rate"]))
  }

  private func artifacts(_ server: RealServer, _ run: String) throws -> [String] {
    let reply = try server.json("artifacts/list?run_id=\(run)")
    let files = reply["files"] as? [[String: Any]] ?? []
    return files.compactMap { $0["path"] as? String }.sorted()
  }

  /// A run that diverges has failed.
  private func checkFailure(_ server: RealServer, in folder: String) throws {
    let library = try ModelFixture.broken("diverges")
    let text = folder + "/text.txt"
    let failed = try Command.shell(
      "XDG_CACHE_HOME=\"$PWD/cache\" exec \"$0\" \"$@\"",
      [
        "run", library, "--train", "--data", text, "--eval-batches", "1", "--mlflow",
        server.address, "--mlflow-experiment", "failures",
      ], in: folder)
    #expect(failed.status == 1)
    #expect(try server.runs("failures").map(status) == ["FAILED"])
  }

  /// NaN and infinities arrive as such.
  @Test func takesNumbersThatAreNotFinite() throws {
    let server = try RealServer()
    defer { server.stop() }
    var options = MLflowTracker.Options(
      server: server.address, runName: "odd", folder: try ModelFixture.folder())
    options.experiment = "odd"
    options.patience = 60
    let tracker = try MLflowTracker(options) { Issue.record("\($0)") }
    for step in 0..<1500 { tracker.log(metrics: ["many": Double(step)], step: step) }
    tracker.log(metrics: ["nan": .nan, "high": .infinity, "low": -.infinity], step: 1)
    tracker.finish(.killed)
    let run = try #require(server.runs("odd").first)
    #expect(status(run) == "KILLED")
    let metrics = try #require(run["data", "metrics"] as? [[String: Any]])
    #expect(Set(metrics.compactMap { $0["key"] as? String }) == ["nan", "high", "low", "many"])
  }
}
