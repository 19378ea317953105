import Foundation
import Testing

@testable import Toolchain

/// What is kept of a compilation, and what of it is told.
extension CompileLibraryTests {
  @Test func equalLibraryComesFromTheCache() throws {
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    let log = scratch.url.path + "/runs"
    let path = try scratch.script(
      "counting-cc", "echo run >> '\(log)'; exec \(compiler.path) \"$@\"")
    let counting = CCompiler(
      path: path, version: compiler.version, openMPFlags: compiler.openMPFlags)
    func runs() -> Int {
      ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n").count
    }
    func compile(_ sources: [URL], _ options: CompileOptions = CompileOptions()) throws {
      try counting.compileLibrary(sources: sources, output: output, options: options, cache: cache)
    }

    try compile(sources())
    #expect(runs() == 3)  // two objects and the link
    try FileManager.default.removeItem(at: output)
    try compile(sources())
    #expect(runs() == 3)
    #expect(try result(output) == 42)
    try compile(sources(second: "return HALF;"))
    #expect(runs() == 5)  // one object and the link
    #expect(try result(output) == 21)
    let files = try sources()
    try scratch.write("c code/kernels/half.h", "#define HALF 4\n")
    try compile(files)
    #expect(runs() == 7)  // what includes the header, and the link
    #expect(try result(output) == 8)
    try scratch.write("c code/kernels/half.h", "#define HALF 4  // of eight\n")
    try compile(files)
    #expect(runs() == 8)  // the link: comments make no object
    var quick = CompileOptions()
    quick.optimisation = .quick
    try compile(files, quick)
    #expect(runs() == 11)  // other flags make other objects
  }

  @Test func stepsAreReported() throws {
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    func steps(_ sources: [URL]) throws -> [String] {
      let steps = Steps()
      try compiler.compileLibrary(sources: sources, output: output, cache: cache) { steps.add($0) }
      return steps.names
    }
    #expect(Set(try steps(sources())) == ["compiled one.c", "compiled two.c", "linked"])
    #expect(
      Set(try steps(sources(second: "return 1;"))) == ["kept one.c", "compiled two.c", "linked"])
    #expect(try steps(sources(second: "return 1;")) == ["kept library"])
  }

  /// A source that takes in other files unseen is compiled each time.
  @Test func carriedFilesAreNotForgotten() throws {
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    let source = try scratch.write(
      "c code/one.c",
      """
      __asm__(".data\\n.globl carried\\ncarried: .incbin \\\"number\\\"\\n.text\\n");
      extern const int carried;
      int one(void);
      int one(void) { return carried; }
      """)
    for number in ["aaaa", "bbbb"] {
      let file = try scratch.write("c code/number", number)
      try compiler.compileLibrary(
        sources: [source], otherInputs: [file], output: output,
        cache: cache)
      #expect(try result(output) == (number == "aaaa" ? 0x6161_6161 : 0x6262_6262))
    }
  }
}

/// Steps in words, from any thread.
private final class Steps: @unchecked Sendable {
  private let lock = NSLock()
  private var all: [String] = []

  var names: [String] { lock.withLock { all } }

  func add(_ step: CompileStep) {
    let name =
      switch step {
      case .compiled(let source, _): "compiled \(source)"
      case .kept(let source): "kept \(source)"
      case .linked: "linked"
      case .keptLibrary: "kept library"
      }
    lock.withLock { all.append(name) }
  }
}
