import Foundation
import ModelFixtures
import Testing

@testable import Tracking

/// What a tracker complained of.
final class Complaints: @unchecked Sendable {
  private let lock = NSLock()
  private var kept: [String] = []

  var texts: [String] { lock.withLock { kept } }
  func add(_ text: String) { lock.withLock { kept.append(text) } }
}

/// Against a server that is slow, away or wrong in every way that a test can think of.
@Suite struct MLflowTests {
  private func options(
    _ server: String, patience: Double = 20
  ) throws -> MLflowTracker.Options {
    var options = MLflowTracker.Options(
      server: server, runName: "a run", folder: try ModelFixture.folder())
    options.patience = patience
    options.timeout = 1
    return options
  }

  private func log(_ tracker: MLflowTracker, steps: Int = 3) {
    tracker.log(parameters: ["steps": "\(steps)", "model": "bigram"])
    for step in 0..<steps { tracker.log(metrics: ["loss": Double(step)], step: step) }
  }

  private func journals(_ options: MLflowTracker.Options) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: options.folder)
  }

  @Test func logsEverythingInOrder() throws {
    let server = try FakeServer { request, _ in mlflowAnswer(request) }
    defer { server.stop() }
    let complaints = Complaints()
    let options = try options(server.address)
    let tracker = try MLflowTracker(options, complain: complaints.add)
    #expect(tracker.run(waiting: 20) == "r1")
    log(tracker)
    tracker.log(metrics: ["bad": .nan, "worse": -.infinity], step: 3)
    let file = try ModelFixture.folder() + "/a file.txt"
    try "content".write(toFile: file, atomically: true, encoding: .utf8)
    tracker.log(file: file, as: "sub/a file.txt")
    tracker.log(Data("<svg/>".utf8), as: "curve.svg")
    tracker.finish(.killed)
    #expect(complaints.texts == [])
    #expect(try journals(options) == [], "nothing is left when all is sent")
    let requests = server.requests
    let prefix = "/api/2.0/mlflow"
    let paths = requests.map { $0.path.replacing(prefix, with: "") }
    #expect(
      Array(paths.prefix(4)) == [
        "/experiments/get-by-name?experiment_name=moec", "/experiments/create", "/runs/search",
        "/runs/create",
      ])
    #expect(requests[3].body.contains(#""run_name":"a run""#))
    let batches = requests.filter { $0.path.hasSuffix("log-batch") }.map(\.body).joined()
    for part in [
      #"{"key":"model","value":"bigram"}"#, #""key":"loss","step":2,"#, #""value":"NaN""#,
      #""value":"-Infinity""#,
    ] { #expect(batches.contains(part), "\(batches)") }
    #expect(requests[1].body.contains(#""value":"custom_model_development""#))
    #expect(requests[requests.count - 2].path.hasSuffix("/artifacts/7/r1/artifacts/curve.svg"))
    #expect(requests[requests.count - 2].body == "<svg/>")
    #expect(
      requests[requests.count - 3]
        == .init(
          method: "PUT",
          path: "/api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/sub/a%20file.txt",
          body: "content"))
    #expect(requests.last?.body.contains(#""status":"KILLED""#) == true)
    let identifier = try #require(tracker.continuation?.value)
    #expect(requests[3].body.contains(#"{"key":"moec_run","value":"\#(identifier)"}"#))
  }

  /// Two of five requests are not answered as they should be.
  @Test(arguments: [(500, "{}"), (200, "<html>"), (429, ""), (0, "")])
  func triesAgain(status: Int, body: String) throws {
    let server = try FakeServer { request, number in
      if number % 5 > 1 { return mlflowAnswer(request) }
      return status == 0 ? nil : (status, body)
    }
    defer { server.stop() }
    let complaints = Complaints()
    let options = try options(server.address)
    let tracker = try MLflowTracker(options, complain: complaints.add)
    log(tracker)
    tracker.finish(.finished)
    #expect(try journals(options) == [])
    #expect(complaints.texts.count == 1, "said once: \(complaints.texts)")
    #expect(complaints.texts.first?.contains("training goes on") == true)
    let last = try #require(server.requests.last)
    #expect(last.path.hasSuffix("runs/update") && last.body.contains("FINISHED"))
  }

  @Test func aServerThatIsAwaySlowsNothingAndIsSentItAllLater() throws {
    let absent = try FakeServer { request, _ in mlflowAnswer(request) }
    absent.stop()
    let complaints = Complaints()
    let options = try options(absent.address, patience: 0.5)
    let start = Date()
    let tracker = try MLflowTracker(options, complain: complaints.add)
    log(tracker, steps: 2000)
    #expect(Date().timeIntervalSince(start) < 2)
    tracker.finish(.finished)
    let left = try #require(journals(options).first)
    let path = options.folder + "/" + left
    #expect(complaints.texts.contains { $0.hasSuffix("moec mlflow send \(path)") })

    let server = try FakeServer { request, _ in mlflowAnswer(request) }
    defer { server.stop() }
    try MLflowTracker.send(journal: path, to: server.address, complain: complaints.add)
    #expect(try journals(options) == [])
    let batches = server.requests.filter { $0.path.hasSuffix("log-batch") }
    #expect(batches.count == 3, "2000 metrics are two batches and a rest, or fewer")
    #expect(batches.map { $0.body.ranges(of: #""key":"loss""#).count }.reduce(0, +) == 2000)
  }

  @Test func aSlowServerDoesNotSlowLogging() throws {
    let server = try FakeServer { request, _ in
      Thread.sleep(forTimeInterval: 0.3)
      return mlflowAnswer(request)
    }
    defer { server.stop() }
    let tracker = try MLflowTracker(try options(server.address)) { Issue.record("\($0)") }
    let start = Date()
    log(tracker, steps: 500)
    #expect(Date().timeIntervalSince(start) < 1)
    tracker.finish(.finished)
    #expect(server.requests.last?.path.hasSuffix("runs/update") == true)
  }

  /// Parameters that the server will never take are said and left out; the rest goes on.
  @Test func passesOverWhatIsRefused() throws {
    let server = try FakeServer { request, _ in
      request.body.contains(#""key":"model""#)
        ? (400, #"{"error_code":"INVALID_PARAMETER_VALUE","message":"no such key"}"#)
        : mlflowAnswer(request)
    }
    defer { server.stop() }
    let complaints = Complaints()
    let tracker = try MLflowTracker(try options(server.address), complain: complaints.add)
    tracker.log(parameters: ["model": "a"])
    Thread.sleep(forTimeInterval: 0.5)
    tracker.log(parameters: ["other": "a"])
    tracker.finish(.failed)
    #expect(complaints.texts.count == 1)
    #expect(complaints.texts.first?.contains("INVALID_PARAMETER_VALUE): no such key") == true)
    #expect(server.requests.last?.body.contains("FAILED") == true)
  }

  @Test func goesOnWithARunThatIsThere() throws {
    let server = try FakeServer { request, _ in
      request.path.hasSuffix("runs/search") && request.body.contains("moec_run = 'earlier'")
        ? (200, #"{"runs":[{"info":{"run_id":"r1","artifact_uri":"mlflow-artifacts:/7/r1"}}]}"#)
        : mlflowAnswer(request)
    }
    defer { server.stop() }
    var options = try options(server.address)
    options.identifier = "earlier"
    let tracker = try MLflowTracker(options) { Issue.record("\($0)") }
    log(tracker)
    tracker.finish(.finished)
    #expect(server.requests.contains { $0.body.contains(#""status":"RUNNING""#) })
    #expect(!server.requests.contains { $0.path.hasSuffix("runs/create") })
  }

  @Test(arguments: ["nonsense", "ftp://a/b", "", "http:"])
  func refusesWhatIsNoAddress(_ text: String) throws {
    let options = try options(text)
    #expect(throws: MLflowError.badAddress(text)) { try MLflowTracker(options) { _ in } }
  }

  @Test func refusesWhatIsNoJournal() throws {
    let path = try ModelFixture.folder() + "/a"
    #expect(throws: MLflowError.self) { try MLflowTracker.send(journal: path) { _ in } }
    try "no\nJSON\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: MLflowError.self) { try MLflowTracker.send(journal: path) { _ in } }
  }
}
