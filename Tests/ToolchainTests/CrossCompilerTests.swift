import Foundation
import Testing

@testable import Toolchain

/// Compilers here are scripts that write the first bytes of an ELF file for some processor.
@Suite struct CrossCompilerTests {
  let scratch: Scratch
  private let options = CompileOptions(target: "aarch64")

  init() throws { scratch = try Scratch() }

  private var search: CCompilerSearch {
    var search = CCompilerSearch(cache: ContentCache(folder: nil))
    search.searchPath = SearchPath(scratch.url.path + "/bin")
    search.machine = "x86_64"
    return search
  }

  /// - Parameters:
  ///   - machine: the ELF number of a processor, in the octal of `printf`: 267 is arm64.
  ///   - refusing: an argument that it does not take.
  private func fake(
    _ name: String, version: String = "fake", writes machine: String = "267",
    refusing: String = "nothing"
  ) throws {
    try scratch.script(
      "bin/" + name,
      """
      if [ "$1" = --version ]; then echo '\(version)'; exit 0; fi
      case "$*" in *\(refusing)*) echo "no \(refusing)"; exit 1;; esac
      while [ "$1" != -o ]; do shift; done
      printf '\\177ELF\\2\\1\\1_________\\3\\0\\\(machine)\\0\\1\\0\\0\\0' > "$2"
      """)
  }

  private func chosen() throws -> CCompilerSearch.Choice { try search.choose(for: options) }

  @Test func gccsCrossCompiler() throws {
    for name in ["gcc", "cc"] { try fake(name) }
    try fake("aarch64-linux-gnu-gcc")
    let choice = try chosen()
    #expect(choice.compiler.path == scratch.url.path + "/bin/aarch64-linux-gnu-gcc")
    #expect(choice.compiler.crossFlags == [])
    #expect(choice.note == nil)
  }

  @Test func clangWithTheTargetsHeaders() throws {
    try fake("clang", version: "clang version 14")
    let compiler = try chosen().compiler
    #expect(compiler.path.hasSuffix("/clang"))
    #expect(compiler.crossFlags == ["--target=aarch64-linux-gnu"])
    #expect(compiler.architecture == "aarch64")
  }

  /// A clang that finds this machine's OpenMP runtime alone gives way to one that has the target's.
  @Test func openMPIsPreferred() throws {
    try fake("clang", version: "clang version 14", refusing: "openmp")
    try fake("aarch64-linux-gnu-gcc-12")
    #expect(try chosen().compiler.path.hasSuffix("gcc-12"))
  }

  @Test func serialCompilerIsTakenWithANote() throws {
    try fake("clang", version: "clang version 14", refusing: "openmp")
    let choice = try chosen()
    #expect(choice.compiler.openMPFlags == nil)
    let note = try #require(choice.note)
    #expect(note.contains("OpenMP runtime for aarch64"))
    #expect(note.contains("gcc-aarch64-linux-gnu"))
    #expect(!note.contains("\n"))
  }

  @Test func noneAtAll() throws {
    try fake("gcc")
    try fake("clang", version: "clang version 14", refusing: "--target")
    let error = #expect(throws: ToolchainError.self) { try chosen() }
    let text = try #require(error?.description)
    #expect(text.hasPrefix("error: --target aarch64: no C compiler here builds for it"))
    #expect(text.contains("/bin/clang"))
    #expect(text.contains("\nhint: install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"))
    #expect(text.split(separator: "\n").count == 2)
  }

  /// 76 is the octal of x86-64.
  @Test func givenCompilerMustBuildForTheTarget() throws {
    try fake("gcc", writes: "76")
    var search = search
    search.preferred = "gcc"
    let error = #expect(throws: ToolchainError.self) { try search.choose(for: options) }
    let text = try #require(error?.description)
    #expect(text.contains("--cc gcc: does not build a shared library for aarch64"))
    #expect(text.contains("another processor"))
  }

  /// The same compiler may be known as one of this machine.
  @Test func probesAreRememberedForEachTarget() throws {
    try fake("clang", version: "clang version 14")
    var search = search
    search.cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    let first = try search.choose(for: options)
    #expect(try search.choose(for: options) == first)
    // What it writes is for arm64 and does not load here.
    #expect(throws: ToolchainError.self) { try search.choose() }
  }
}
