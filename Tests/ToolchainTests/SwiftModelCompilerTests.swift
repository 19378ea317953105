import Foundation
import Testing

@testable import Toolchain

/// A small stand-in for the DSL: `graph(_:)` writes a text where `--graph-descriptor` says.
enum StandInModule {
  static let source = """
    import Foundation

    public func graph(_ text: String) {
      let words = CommandLine.arguments
      guard let at = words.firstIndex(of: "--graph-descriptor"), let to = Int32(words[at + 1])
      else { exit(9) }
      FileHandle(fileDescriptor: to).write(Data(text.utf8))
    }

    public func fail(_ message: String, file: String = #filePath, line: Int = #line) -> Never {
      FileHandle.standardError.write(Data("\\(file):\\(line):1: error: \\(message)\\n".utf8))
      exit(1)
    }
    """

  /// Laid out as SwiftPM does; built once for all tests of this run.
  static let products: Result<URL, any Error> = Result {
    let folder = try Scratch()
    let modules = folder.url.appendingPathComponent("Modules")
    let file = try folder.write("Sources/StandIn.swift", source)
    let object = folder.url.appendingPathComponent("StandIn.build/Sub/StandIn.swift.o")
    try folder.write("StandIn.build/Sub/Gone.swift.o", "left by an earlier build")
    try FileManager.default.createDirectory(at: modules, withIntermediateDirectories: true)
    let map = """
      {"": {"swift-dependencies": "x"},
       "/elsewhere/Sub/StandIn.swift": {"object": "/elsewhere/StandIn.build/Sub/StandIn.swift.o"}}
      """
    try folder.write("StandIn.build/output-file-map.json", map)
    let swiftc = try #require(SearchPath.standard.first(named: "swiftc"))
    let outcome = try Subprocess(
      executable: swiftc,
      arguments: [
        "-parse-as-library", "-module-name", "StandIn", "-emit-module", "-emit-module-path",
        modules.path + "/StandIn.swiftmodule", "-c", file.path, "-o", object.path,
      ]
    ).run()
    try #require(outcome.status == 0, "\(outcome.output)")
    kept = folder
    return folder.url
  }

  nonisolated(unsafe) private static var kept: Scratch?
}

@Suite struct SwiftModelCompilerTests {
  let scratch: Scratch
  let products: URL

  init() throws {
    scratch = try Scratch()
    products = try StandInModule.products.get()
  }

  private func compiler(cached: Bool = false) throws -> SwiftModelCompiler {
    let modules = try ModelModules.beside(
      executable: products.appendingPathComponent("moec").path, names: ["StandIn"])
    let cache = ContentCache(folder: cached ? scratch.url.appendingPathComponent("cache") : nil)
    return SwiftModelCompiler(modules: modules, cache: cache)
  }

  private func model(_ text: String, name: String = "my-model.swift") throws -> String {
    try scratch.write(name, "import StandIn\n" + text + "\n").path
  }

  @Test func readsTheGraphAndKeepsThePrints() throws {
    let path = try model(
      "print(\"hello\")\nlet size = 3\nfunc f() -> Int { size }\ngraph(\"g \\(f())\\n\")")
    let trace = try compiler().trace(model: path)
    #expect(trace == .init(graph: "g 3\n", messages: "hello"))
  }

  @Test func largeGraph() throws {
    let path = try model(
      "for _ in 0..<2000 { print(String(repeating: \"p\", count: 500)) }\n"
        + "graph(String(repeating: \"x\", count: 3_000_000))")
    let trace = try compiler().trace(model: path)
    #expect(trace.graph.utf8.count == 3_000_000)
    #expect(trace.messages.utf8.count == 2000 * 501 - 1)
  }

  @Test func inputIsNotWaitedFor() throws {
    let path = try model("let line = readLine()\ngraph(line ?? \"none\")")
    #expect(try compiler().trace(model: path).graph == "none")
  }

  @Test func compileErrorNamesTheUsersLine() throws {
    let path = try model("graph(\"x\")\nlet a: Int = \"text\"")
    let error = #expect(throws: ToolchainError.self) { try compiler().trace(model: path) }
    guard case .modelRejected(path, let diagnostics) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(diagnostics.contains("\(path):3:14: error:"))
  }

  @Test func errorOfTheModelIsRelayed() throws {
    let path = try model("print(\"first\")\nfail(\"axes differ\")")
    let error = #expect(throws: ToolchainError.self) { try compiler().trace(model: path) }
    guard case .modelFailed(path, 1, let messages) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    // What the model prints is buffered, so that it may come before or after.
    #expect(Set(messages.split(separator: "\n")) == ["first", "\(path):3:1: error: axes differ"])
  }

  @Test(
    "A crash says why, and at which line",
    arguments: [
      (
        "let list = [1]\nfunc pick(_ n: Int) -> Int { list[n] }\ngraph(\"\\(pick(1))\")",
        "Index out of range", 3
      ),
      (
        "var n = Int.max\nn += CommandLine.arguments.count\ngraph(\"\\(n)\")",
        "arithmetic overflow", 3
      ),
      ("let n = Int(\"x\")\ngraph(\"\\(n!)\")", "Unexpectedly found nil", 3),
      ("fatalError(\"no such size\")", "no such size", 2),
      ("func f(_ n: Int) -> Int { f(n + 1) + 1 }\ngraph(\"\\(f(0))\")", "without an end", 2),
    ])
  func crashOfTheModel(code: String, reason: String, line: Int) throws {
    let path = try model(code)
    let error = #expect(throws: ToolchainError.self) { try compiler().trace(model: path) }
    let text = error?.description ?? ""
    #if os(Linux)
      #expect(text.contains("\(path):\(line):"), "\(text)")
    #endif
    #expect(text.contains("error: the model crashed: ") && text.contains(reason), "\(text)")
    #expect(text.split(separator: "\n").count == 2, "\(text)")
  }

  @Test func crashWithoutFrames() throws {
    let output = """
      size 3
      Swift/Array.swift:692: Fatal error: Index out of range
      Current stack trace:
      0    libswiftCore.so  0x00007fdbf655f130 swift_reportError + 33
      5    model            0x000055c1ced288d5 <unavailable> + 63701
      """
    let crash = try #require(ModelCrash(status: 132, output: output, paths: ["m.swift"]))
    #expect(crash.place == nil)
    #expect(crash.reason == "Index out of range")
    #expect(crash.messages == "size 3")
    #expect(ModelCrash(status: 1, output: output, paths: ["m.swift"]) == nil)
    #expect(ModelCrash(status: 137, output: "", paths: ["m.swift"])?.reason == "it was killed")
  }

  @Test func modelWithoutAGraph() throws {
    let path = try model("print(1)")
    let error = #expect(throws: ToolchainError.self) { try compiler().trace(model: path) }
    #expect(error == .modelIsEmpty(path: path, messages: "1"))
    #expect(error?.description.contains("describes no model") == true)
  }

  @Test func aModelThatIsNoTextIsSaidAtOnce() throws {
    let path = try model("\u{7f}ELF\0\0")
    #expect(
      throws: ToolchainError.modelIsNoSwiftFile(
        path: path, reason: "is no text in UTF-8: it holds a zero byte")
    ) { try compiler().trace(model: path) }
  }

  @Test(arguments: [("text.txt", "is no Swift file"), ("", "is a folder without model.swift")])
  func noSwiftFile(name: String, reason: String) throws {
    try scratch.write("text.txt", "import MoE")
    let path = scratch.url.path + "/" + name
    let error = #expect(throws: ToolchainError.self) { try compiler().trace(model: path) }
    #expect(error?.description.contains("error: \(path) \(reason)") == true)
    #expect(error?.description.contains("\nhint: name a Swift file") == true)
  }

  @Test func noSuchFile() throws {
    let path = scratch.url.path + "/nothing.swift"
    let error = #expect(throws: ToolchainError.self) { try compiler().trace(model: path) }
    #expect(error == .modelNotFound(path: path))
  }

  /// swiftc runs once for a source; the program each time, for it may read anything.
  @Test func programsAreCachedAndRunEachTime() throws {
    let swiftc = try #require(SearchPath.standard.first(named: "swiftc"))
    let log = scratch.url.path + "/log"
    try scratch.script("bin/swiftc", "echo ran >> '\(log)'\nexec '\(swiftc)' \"$@\"")
    var compiler = try compiler(cached: true)
    compiler.searchPath = SearchPath(scratch.url.path + "/bin")
    let width = try scratch.write("width", "8")
    let path = try model(
      """
      import Foundation
      let unused = 1
      func f() { let unread = 2 }
      graph("C " + (try! String(contentsOfFile: "\(width.path)", encoding: .utf8)))
      """)
    let first = try compiler.trace(model: path)
    #expect(first.graph == "C 8")
    #expect(first.messages.contains("\(path):4:"), "swiftc warns of unread")
    try scratch.write("width", "48")
    let second = try compiler.trace(model: path)
    #expect(second.graph == "C 48")
    #expect(second.messages == first.messages)
    #expect(try String(contentsOfFile: log, encoding: .utf8) == "ran\n")
    _ = try model("graph(\"b\")")
    #expect(try compiler.trace(model: path).graph == "b")
  }

  @Test func damagedProgramIsCompiledAgain() throws {
    #expect(ModelProgram(parsing: Data("5\nabc".utf8)) == nil)
    #expect(ModelProgram(parsing: Data("-1\nabc".utf8)) == nil)
    #expect(ModelProgram(parsing: Data("abc".utf8)) == nil)
    let program = ModelProgram(warnings: "w\n", code: Data([0, 10, 255]))
    #expect(ModelProgram(parsing: program.data) == program)
  }

  @Test func modelThatDoesNotEnd() throws {
    var compiler = try compiler()
    compiler.supervision.model.limit = 1
    let path = try model("print(1)\nwhile true {}")
    let error = #expect(throws: ToolchainError.self) { try compiler.trace(model: path) }
    #expect(error == .modelTookTooLong(path: path, seconds: 1))
    #expect(error?.description.contains("still running after 1 s") == true)
    #expect(error?.description.contains("hint: look for a loop") == true)
  }

  @Test func missingModules() throws {
    let executable = scratch.url.appendingPathComponent("moec").path
    let error = #expect(throws: ToolchainError.self) {
      try ModelModules.beside(executable: executable, names: ["MoE"])
    }
    #expect(
      error
        == .modulesNotFound(folder: scratch.url.path, missing: "Modules/MoE.swiftmodule"))
    try scratch.write("Modules/MoE.swiftmodule", "")
    let objects = #expect(throws: ToolchainError.self) {
      try ModelModules.beside(executable: executable, names: ["MoE"])
    }
    #expect(objects == .modulesNotFound(folder: scratch.url.path, missing: "MoE.build/*.o"))
    #expect(objects?.description.contains("\nhint: link to the installed or built moec") == true)
    // An installed folder has no list of SwiftPM's.
    let object = try scratch.write("MoE.build/b.o", "")
    try scratch.write("MoE.build/a.o", "")
    let modules = try ModelModules.beside(executable: executable, names: ["MoE"])
    #expect(modules.objects.map(\.lastPathComponent) == ["a.o", "b.o"])
    #expect(modules.objects.last?.path == object.path)
  }

  @Test func noSwiftCompiler() throws {
    var compiler = try compiler()
    compiler.searchPath = SearchPath(scratch.url.path)
    let path = try model("graph(\"a\")")
    #expect(throws: ToolchainError.noSwiftCompiler) { try compiler.trace(model: path) }
  }
}
