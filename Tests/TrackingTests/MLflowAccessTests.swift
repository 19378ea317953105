import Foundation
import ModelFixtures
import Testing

@testable import Tracking

/// Who asks an MLflow server, what becomes of what it refuses, and what a journal may have sent.
@Suite struct MLflowAccessTests {
  private func options(_ server: String) throws -> MLflowTracker.Options {
    var options = MLflowTracker.Options(
      server: server, runName: "a run", folder: try ModelFixture.folder())
    options.patience = 5
    options.timeout = 1
    return options
  }

  /// Answers as MLflow does to whoever has the password.
  private static func guarded(_ header: String) -> FakeServer.Answer {
    { request, _ in
      request.authorization == header ? mlflowAnswer(request) : (401, "You are not authenticated")
    }
  }

  private static let basic = "Basic " + Data("ann:pa:ss/@1".utf8).base64EncodedString()

  @Test(
    arguments: [
      ("http://HOST", ["USERNAME": "ann", "PASSWORD": "pa:ss/@1"], basic),
      ("http://HOST", ["USERNAME": "ann", "PASSWORD": "pa:ss/@1", "TOKEN": "t0"], basic),
      ("http://HOST", ["TOKEN": "t0"], "Bearer t0"),
      ("http://HOST", ["USERNAME": "ann", "TOKEN": "t0"], "Bearer t0"),
      ("http://ann:pa%3Ass%2F%401@HOST", [:], basic),
      (
        "http://ann:pa%3Ass%2F%401@HOST", ["USERNAME": "bob", "PASSWORD": "b", "TOKEN": "t"], basic
      ),
      ("http://ann@HOST", ["PASSWORD": "pa:ss/@1"], basic),
      ("http://ann:***@HOST", ["PASSWORD": "pa:ss/@1"], basic),
      ("http://ann:***@HOST", [:], nil), ("http://HOST", ["USERNAME": "ann"], nil),
      ("http://HOST", ["USERNAME": "", "PASSWORD": "", "TOKEN": ""], nil),
    ] as [(String, [String: String], String?)])
  func asksAsEveryClientDoes(
    text: String, variables: [String: String], header: String?
  ) throws {
    let server = try FakeServer { request, _ in mlflowAnswer(request) }
    defer { server.stop() }
    let address = text.replacing("HOST", with: "127.0.0.1:\(server.port)")
    let environment = Dictionary(
      uniqueKeysWithValues: variables.map { ("MLFLOW_TRACKING_" + $0, $1) })
    _ = try MLflowServer(address, environment: environment).post("mlflow/runs/search", ["a": "b"])
    #expect(server.requests.map(\.authorization) == [header])
  }

  @Test(arguments: [
    ("http://ann:secret@host:5000", "http://ann:***@host:5000"),
    ("https://ann:a@secret@host/x", "https://ann:***@host/x"),
    ("http://ann:se/cret@host", "http://ann:***@host"), ("ann:secret@host", "ann:***@host"),
    ("http://host:5000/a@b", "http://host:5000/a@b"), ("http://ann@host", "http://ann@host"),
    ("nonsense", "nonsense"), ("", ""), ("@", "@"), ("://@", "://@"),
    ("ftp://a:secret@b", "ftp://a:***@b"),
  ])
  func aPasswordIsNotShown(text: String, shown: String) {
    #expect(MLflowTracker.redacted(text) == shown)
    #expect(!"\(MLflowError.badAddress(text))".contains("secret"))
  }

  @Test func neitherNotesNorJournalsHaveThePassword() throws {
    let server = try FakeServer(Self.guarded("nobody's"))
    defer { server.stop() }
    let complaints = Complaints()
    let options = try options("http://ann:secret@127.0.0.1:\(server.port)")
    let tracker = try MLflowTracker(options, complain: complaints.add)
    tracker.finish(.finished)
    let journal = try #require(
      try FileManager.default.contentsOfDirectory(atPath: options.folder).first)
    let text = try String(contentsOfFile: options.folder + "/" + journal, encoding: .utf8)
    #expect(text.contains("http://ann:***@127.0.0.1"))
    let told = complaints.texts.joined(separator: "\n")
    #expect(told.contains("http://ann:***@127.0.0.1"), "\(told)")
    #expect(!text.contains("secret") && !told.contains("secret"))
  }

  /// Refused for who asks, or with the run itself: all is kept, and said once.
  @Test(arguments: [401, 403, 404, 400])
  func whatIsRefusedAtOnceIsKept(status: Int) throws {
    let server = try FakeServer { _, _ in (status, "no") }
    defer { server.stop() }
    let complaints = Complaints()
    let options = try options(server.address)
    let tracker = try MLflowTracker(options, complain: complaints.add)
    tracker.log(parameters: ["model": "a"])
    for step in 0..<3 { tracker.log(metrics: ["loss": 1], step: step) }
    let file = try ModelFixture.folder() + "/w"
    try "weights".write(toFile: file, atomically: true, encoding: .utf8)
    tracker.log(file: file, as: "w.safetensors")
    tracker.finish(.finished)
    let texts = complaints.texts
    #expect(texts.count == 2, "\(texts)")
    #expect(texts.first?.contains("it refuses (\(status)): no") == true)
    #expect(texts.first?.hasSuffix("what is logged is kept and sent later") == true)
    #expect(texts.first?.contains("MLFLOW_TRACKING_USERNAME") == (status == 401 || status == 403))
    #expect(!texts.contains { $0.contains("(0)") })
    // The file as it was, even if it is another by then.
    try "other".write(toFile: file, atomically: true, encoding: .utf8)
    let journal = try #require(
      texts.last?.split(separator: "moec mlflow send ").last.map(String.init))
    let open = try FakeServer { request, _ in mlflowAnswer(request) }
    defer { open.stop() }
    #expect(try MLflowTracker.send(journal: journal, to: open.address) { _ in } == 0)
    #expect(open.requests.contains { $0.method == "PUT" && $0.body == "weights" })
    #expect(open.requests.last?.body.contains("FINISHED") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: options.folder) == [])
  }

  /// A journal that cannot be delivered stays, and the reason is told at once.
  @Test func sendingSaysWhoMustAsk() throws {
    let server = try FakeServer(Self.guarded("Bearer right"))
    defer { server.stop() }
    let complaints = Complaints()
    let options = try options(server.address)
    let tracker = try MLflowTracker(options, complain: complaints.add)
    tracker.finish(.finished)
    let journal = try #require(
      complaints.texts.last?.split(separator: "moec mlflow send ").last.map(String.init))
    let refused = try Command.shell("\"$0\" mlflow send \"$1\"", [journal])
    #expect(refused.status == 1)
    #expect(refused.errors.contains("hint: set MLFLOW_TRACKING_USERNAME"), "\(refused.errors)")
    let sent = try Command.shell(
      "MLFLOW_TRACKING_TOKEN=right \"$0\" mlflow send \"$1\"", [journal])
    #expect(sent.status == 0 && sent.output == "all is logged\n", "\(sent.errors)")
    #expect(!FileManager.default.fileExists(atPath: journal))
  }

  /// A journal may be anybody's: only a file that lies beside it is sent.
  @Test func onlyWhatLiesBesideAJournalIsSent() throws {
    let folder = try ModelFixture.folder() + "/j"
    let outside = try ModelFixture.folder() + "/secret"
    try FileManager.default.createDirectory(
      atPath: folder + "/sub", withIntermediateDirectories: true)
    for path in [outside, folder + "/sub/secret"] {
      try "secret".write(toFile: path, atomically: true, encoding: .utf8)
    }
    try "beside".write(toFile: folder + "/beside", atomically: true, encoding: .utf8)
    #expect(symlink(outside, folder + "/link") == 0)
    #expect(symlink((outside as NSString).deletingLastPathComponent, folder + "/linked") == 0)
    #expect(symlink((outside as NSString).deletingLastPathComponent, folder + "/run.files") == 0)
    let climbing = "../" + outside.split(separator: "/").suffix(2).joined(separator: "/")
    let run = MLflowRun(
      server: "http://127.0.0.1:1", experiment: "e", name: "n", time: 1, tags: [:], identifier: "i")
    var entries = [MLflowJournal.Entry.begin(run)]
    let names = [
      outside, climbing, "link", "linked/secret", "sub/secret", "run.files/secret", "/etc/passwd",
      ".",
      "beside",
    ]
    entries += names.map { .file(path: $0, name: "x") }
    let journal = folder + "/run.jsonl"
    let lines = try entries.map { try JSONEncoder.journal.encode($0) + Data("\n".utf8) }
    try lines.reduce(Data(), +).write(to: URL(fileURLWithPath: journal))
    let server = try FakeServer { request, _ in mlflowAnswer(request) }
    defer { server.stop() }
    let complaints = Complaints()
    let refused = try MLflowTracker.send(
      journal: journal, to: server.address, complain: complaints.add)
    #expect(refused == names.count - 1)
    #expect(server.requests.filter { $0.method == "PUT" }.map(\.body) == ["beside"])
    #expect(complaints.texts.allSatisfy { $0.contains("is no file beside the journal") })
    #expect(FileManager.default.fileExists(atPath: outside))
  }

  /// Where the user's folder for caches cannot be written, training goes on, and nothing is lost.
  @Test func aFolderThatCannotBeWrittenHoldsNothingUp() throws {
    let folder = try ModelFixture.folder()
    for name in ["file", "text"] {
      try String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
        .write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    let server = try FakeServer { request, _ in mlflowAnswer(request) }
    defer { server.stop() }
    for (temporary, note) in [(".", ""), ("$PWD/file", "note: MLflow: cannot open ")] {
      let run = try Command.shell(
        "unset MOEC_CACHE; XDG_CACHE_HOME=\"$PWD/file\" TMPDIR=\"\(temporary)\" exec \"$0\" run \"$1\" --train "
          + "--data text --steps 2 --eval-batches 1 --mlflow \"$2\" --mlflow-parent p1",
        [try ModelFixture.bigram(), server.address], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(!run.errors.contains("NSCocoaErrorDomain"))
      #expect(note.isEmpty ? !run.errors.contains("note: ") : run.errors.contains(note))
    }
    #expect(server.requests.last?.body.contains("FINISHED") == true)
    let made = server.requests.first { $0.path.hasSuffix("/runs/create") }
    #expect(made?.body.contains(#"{"key":"mlflow.parentRunId","value":"p1"}"#) == true)
    // A journal that was sent is gone; the folder for journals may stay.
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
        && !isFolder.boolValue
    }
    #expect(Set(left) == ["file", "text"])
  }
}
