import Foundation
import ModelFixtures
import SystemFiles
import Testing

@testable import ModelRuntime

@Suite struct ModelLibraryTests {
  @Test func loads() throws {
    let manifest = try ModelLibrary(path: ModelFixture.bigram()).manifest
    #expect(manifest.name == "bigram")
    #expect(manifest.parameters.map(\.name) == ["token", "expert.weight"])
    #expect(manifest.parameters.map(\.steps) == [1, 2])
    #expect(manifest.parameterCount == 216)
    #expect(manifest.vocabularyLine == "bigram.swift:4")
    #expect(manifest.defaults.learningRate == 0.01)
    #expect(manifest.work.step == 3000)
  }

  @Test func saysThatAFileIsAbsent() throws {
    let path = try ModelFixture.folder() + "/absent.so"
    let cause = FileError(operation: "read", path: path, code: ENOENT)
    #expect(throws: LibraryError.unreadable(cause)) { try ModelLibrary(path: path) }
    let hint = "check the name, or make it: moec compile MODEL.swift -o "
    #expect(LibraryError.unreadable(cause).hint.hasPrefix(hint))
    #expect(EmbeddedSourcesError.unreadable(cause).hint.hasPrefix(hint))
  }

  @Test(arguments: ["", "abc", "This is a text and no library at all.", "\u{7f}ELF"])
  func saysThatAFileIsNoLibrary(_ text: String) throws {
    let path = try ModelFixture.file(Array(text.utf8), named: "text.so")
    expectNoLibrary(path)
  }

  /// The system's loader would die on some of these instead of saying so.
  @Test(arguments: [5, 63, 64, 200, 1000, 4000])
  func saysThatALibraryIsCutShort(_ length: Int) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: ModelFixture.bigram()))
    try #require(length < whole.count)
    expectNoLibrary(try ModelFixture.file(Array(whole.prefix(length)), named: "cut.so"))
  }

  private func expectNoLibrary(_ path: String) {
    let error = #expect(throws: LibraryError.self) { try ModelLibrary(path: path) }
    guard case .notALibrary = error else {
      Issue.record("\(path): \(String(describing: error))")
      return
    }
  }

  @Test func saysWhichFunctionsALibraryLacks() throws {
    try expect("not-a-model") {
      .notAModel(path: $0, missing: ["moec_abi", "moec_manifest", "moec_error"])
    }
    try expect("no-error-function") { .notAModel(path: $0, missing: ["moec_error"]) }
  }

  @Test func saysThatALibraryIsOfAnotherVersion() throws {
    try expect("version") { .otherVersion(path: $0, found: 2, expected: 1) }
    try expect("old-version") { .otherVersion(path: $0, found: 0, expected: 1) }
  }

  @Test func saysThatALibraryIsForAnotherProcessor() throws {
    try expect("other-processor") { .otherProcessor(path: $0, feature: "avx1024") }
  }

  @Test func saysWhatIsWrongWithAManifest() throws {
    try expect("no-manifest") { .badManifest(path: $0, reason: "there is none") }
    try expect("manifest-no-json") { .badManifest(path: $0, reason: "it is not JSON") }
    try expect("manifest-no-name") { .badManifest(path: $0, reason: "name is missing") }
    try expect("manifest-version") {
      .badManifest(path: $0, reason: "it is for version 7 of the interface")
    }
  }

  private func expect(_ fixture: String, _ error: (String) -> LibraryError) throws {
    let path = try ModelFixture.broken(fixture)
    #expect(throws: error(path)) { try ModelLibrary(path: path) }
    #expect(!error(path).hint.isEmpty)
  }
}

@Suite struct ManifestTests {
  private func manifest(
    shape: String = "[2,3]", name: String = "a", vocabulary: String = "5", steps: String = "1"
  ) -> String {
    """
    {"abi":1,"name":"m","parameters":[{"name":"a","shape":[1]},
    {"name":"\(name)","shape":\(shape),"steps":\(steps)}],"vocabulary":\(vocabulary),"context":4,
    "batch":2,"defaults":{"learning_rate":1,"beta1":1,"beta2":1,"epsilon":1,"weight_decay":1}}
    """
  }

  @Test func takesTheLeast() throws {
    let decoded = try Manifest.decode(manifest(name: "b"))
    #expect(decoded.parameters[0].steps == 1)
    #expect(decoded.parameters[1].count == 6)
    #expect(decoded.memory == Manifest.Memory())
    #expect(decoded.vocabularyLine == nil)
  }

  @Test func refusesContradictions() {
    expect(manifest(), "a is there twice")
    expect(manifest(shape: "[4294967296,4294967296]", name: "b"), "is too large")
    expect(manifest(shape: "[-1]", name: "b"), "its shape is [-1]")
    expect(manifest(shape: "[0]", name: "b"), "its shape is [0]")
    expect(manifest(name: "b", vocabulary: "0"), "vocabulary is 0")
    expect(manifest(name: "b", vocabulary: "\"x\""), "vocabulary is of another type")
    expect(manifest(name: "b", steps: "-1"), "-1 step counts")
  }

  private func expect(_ json: String, _ reason: String) {
    let error = #expect(throws: ManifestError.self) { try Manifest.decode(json) }
    #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
  }
}
