import Foundation
import Testing

@testable import Toolchain

/// Compilers here are scripts in a private folder, most of them in front of the machine's own.
@Suite struct CCompilerSearchTests {
  let scratch: Scratch
  let real: CCompiler

  init() throws {
    scratch = try Scratch()
    real = try Machines.realCompiler()
  }

  private var search: CCompilerSearch {
    var search = CCompilerSearch(cache: ContentCache(folder: nil))
    search.searchPath = SearchPath(scratch.url.path + "/bin")
    search.openMPFolders = CCompilerSearch.installedOpenMPFolders()
    return search
  }

  /// A compiler like the machine's own that can do what `refusing` leaves, and counts its runs.
  private func fake(_ name: String, refusing: String? = nil, version: String = "fake") throws {
    let refusal = refusing.map { "case \"$*\" in *\($0)*) echo \"no $0\" >&2; exit 1;; esac\n" }
    try scratch.script(
      "bin/" + name,
      """
      echo run >> '\(scratch.url.path)/bin/\(name).runs'
      if [ "$1" = --version ]; then echo '\(version)'; exit 0; fi
      \(refusal ?? "")exec '\(real.path)' "$@"
      """)
  }

  private func broken(_ name: String) throws {
    try scratch.script("bin/" + name, "echo \"$0: broken\" >&2; exit 1")
  }

  private func chosen() throws -> String {
    URL(fileURLWithPath: try search.choose().compiler.path).lastPathComponent
  }

  @Test func plainClangComesFirst() throws {
    for name in ["gcc", "clang-14", "clang", "clang-9", "cc"] { try fake(name) }
    #expect(try chosen() == "clang")
    #expect(try search.choose().note == nil)
  }

  @Test func versionedNamesHighestFirst() throws {
    for name in ["gcc", "clang-9", "clang-14", "clang-format"] { try fake(name) }
    #expect(try chosen() == "clang-14")
  }

  /// A clang beside a `swift-frontend` is the Swift toolchain's, whatever its name.
  @Test func swiftsClangComesAfterPlainOnes() throws {
    try fake("swift/clang")
    try fake("swift/clang-99")
    try scratch.script("bin/swift/swift-frontend", "exit 0")
    try fake("clang-14")
    try fake("gcc")
    var search = search
    search.searchPath.folders.insert(scratch.url.path + "/bin/swift", at: 0)
    #expect(
      search.candidates().map { $0.dropFirst(scratch.url.path.count + 5) }
        == ["clang-14", "swift/clang", "gcc"])
    #expect(try search.choose().compiler.path.hasSuffix("bin/clang-14"))
    try FileManager.default.removeItem(atPath: scratch.url.path + "/bin/clang-14")
    #expect(try search.choose().compiler.path.hasSuffix("swift/clang"))
  }

  @Test func openMPIsPreferred() throws {
    try fake("clang", refusing: "openmp")
    try fake("gcc")
    #expect(try chosen() == "gcc")
  }

  @Test func serialCompilerIsTakenWithANote() throws {
    try broken("clang-15")
    try fake("clang", refusing: "openmp")
    try fake("gcc", refusing: "openmp")
    let choice = try search.choose()
    #expect(choice.compiler.openMPFlags == nil)
    #expect(choice.compiler.path.hasSuffix("/clang"))
    let note = try #require(choice.note)
    #expect(note.contains("libomp"))
    #expect(!note.contains("\n"))
    #expect(!(try choice.compiler.commandLine(sources: ["a.c"], output: "a.so")).contains("openmp"))
  }

  @Test func brokenCompilersAreSkipped() throws {
    try broken("clang")
    try scratch.script("bin/clang-14", "exit 0")  // claims success, writes nothing
    try fake("cc")
    #expect(try chosen() == "cc")
  }

  @Test func noneAtAll() throws {
    let none = #expect(throws: ToolchainError.self) { try search.choose() }
    #expect(none == .noCCompiler(tried: ["clang", "gcc", "cc"]))
    try broken("gcc")
    let broken = #expect(throws: ToolchainError.self) { try search.choose() }
    #expect(broken == .noCCompiler(tried: [scratch.url.path + "/bin/gcc"]))
  }

  @Test func givenCompilerWins() throws {
    try fake("clang")
    try fake("odd-cc", refusing: "openmp")
    var search = search
    search.preferred = scratch.url.path + "/bin/odd-cc"
    #expect(try search.choose().compiler.path == search.preferred)
    #expect(try search.choose().note != nil)
    search.preferred = "odd-cc"
    #expect(try search.choose().compiler.path == scratch.url.path + "/bin/odd-cc")
  }

  @Test(arguments: ["/no/such/cc", "nothing-of-that-name", "/"])
  func givenCompilerMustExist(path: String) {
    var search = search
    search.preferred = path
    let error = #expect(throws: ToolchainError.self) { try search.choose() }
    #expect(error?.description.contains("--cc \(path): no such program") == true)
  }

  @Test func givenCompilerMustWork() throws {
    try broken("clang")
    var search = search
    search.preferred = scratch.url.path + "/bin/clang"
    let error = #expect(throws: ToolchainError.self) { try search.choose() }
    #expect(error?.description.contains("broken") == true)
  }

  @Test func probesAreRemembered() throws {
    try fake("clang")
    var search = search
    search.cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    let first = try search.choose()
    let runs = try String(contentsOfFile: scratch.url.path + "/bin/clang.runs", encoding: .utf8)
    #expect(try search.choose() == first)
    let again = try String(contentsOfFile: scratch.url.path + "/bin/clang.runs", encoding: .utf8)
    #expect(runs == again)
    try fake("clang", version: "another")
    #expect(try search.choose().compiler.version == "another")
  }

  @Test func serialProbesAreNotRemembered() throws {
    try fake("clang", refusing: "openmp")
    var search = search
    search.cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    _ = try search.choose()
    #expect(!FileManager.default.fileExists(atPath: scratch.url.path + "/cache"))
  }
}
