import Foundation
import Testing

@testable import Toolchain

/// Models of several files.
@Suite struct ModelFolderTests {
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

  /// Writes a folder of Swift files that import what models do; its path.
  @discardableResult
  private func folder(_ name: String, _ files: [String: String]) throws -> String {
    for (file, text) in files {
      try scratch.write("\(name)/\(file)", "import StandIn\n" + text + "\n")
    }
    return scratch.url.path + "/" + name
  }

  private func error(_ path: String) throws -> String {
    let compiler = try compiler()
    let error = #expect(throws: ToolchainError.self) { try compiler.trace(model: path) }
    return error?.description ?? ""
  }

  @Test("Helpers are compiled with model.swift, which they may use, and at any depth of names")
  func helpers() throws {
    let path = try folder(
      "made of",
      [
        "model.swift": "let width = 4\ngraph(\"w \\(twice(width)) \\(#line) \\(#filePath)\")",
        "helper.swift": "func twice(_ n: Int) -> Int { plus(n) - unit }",
        "zwei und drei ü.swift": "let unit = 1\nfunc plus(_ n: Int) -> Int { n + width + unit }",
        ".hidden.swift": "no Swift", "notes.txt": "no Swift",
      ])
    #expect(try compiler().trace(model: path).graph == "w 8 3 \(path)/model.swift")
    #expect(try compiler().trace(model: path + "/").graph == "w 8 3 \(path)/model.swift")
    let files = try ModelFiles(path)
    #expect(files.main == path + "/model.swift")
    #expect(files.helpers == [path + "/helper.swift", path + "/zwei und drei ü.swift"])
  }

  @Test("A file is a model by itself, whatever lies beside it")
  func alone() throws {
    let path = try folder("alone", ["model.swift": "graph(\"a\")", "other.swift": "no Swift"])
    #expect(try compiler().trace(model: path + "/model.swift").graph == "a")
    #expect(try ModelFiles(path + "/model.swift").helpers.isEmpty)
  }

  @Test("The model of a folder may be called main.swift, in a folder of any name")
  func main() throws {
    let path = try folder(
      "a \"quoted\" \\ name",
      ["main.swift": "graph(name())", "b.swift": "func name() -> String { \"m\" }"])
    #expect(try compiler().trace(model: path).graph == "m")
    try FileManager.default.moveItem(atPath: path + "/main.swift", toPath: path + "/model.swift")
    #expect(
      try error(path).contains("hint: give the folder another name, or call the model main.swift"))
  }

  @Test("Errors in helpers and in the model are at their own lines")
  func errorsOfBoth() throws {
    let path = try folder(
      "wrong",
      [
        "model.swift": "graph(name())\nlet a: Int = \"text\"",
        "b.swift": "\n\nfunc name() -> String { 1 }",
      ])
    let text = try error(path)
    #expect(text.contains("\(path)/b.swift:4:25: error:"), "\(text)")
    #expect(text.contains("\(path)/model.swift:3:14: error:"), "\(text)")
    #expect(!text.contains("/main.swift"), "\(text)")
  }

  @Test("Names that two files have are an error with both places")
  func twice() throws {
    let path = try folder(
      "twice",
      [
        "model.swift": "graph(name())", "a.swift": "func name() -> String { \"a\" }",
        "b.swift": "\nfunc name() -> String { \"b\" }",
      ])
    let text = try error(path)
    #expect(text.contains("error: invalid redeclaration of 'name()'"), "\(text)")
    #expect(text.contains("\(path)/b.swift:3:6: "), "\(text)")
    #expect(text.contains("\(path)/a.swift:2:6: "), "\(text)")
  }

  @Test("A statement in a helper is an error that says where it belongs")
  func statement() throws {
    let path = try folder("two", ["model.swift": "graph(\"a\")", "b.swift": "graph(\"b\")"])
    let text = try error(path)
    #expect(text.contains("\(path)/b.swift:2:1: error: "), "\(text)")
    #expect(text.contains("statements of a model stand in model.swift alone"), "\(text)")
  }

  @Test("A crash in a helper is at its line")
  func crash() throws {
    let path = try folder(
      "crash",
      [
        "model.swift": "graph(\"\\(pick(1))\")",
        "b.swift": "func pick(_ n: Int) -> Int {\n  [1][n]\n}",
      ])
    let text = try error(path)
    #if os(Linux)
      #expect(text.contains("\(path)/b.swift:3:"), "\(text)")
    #endif
    #expect(text.contains("the model crashed: Index out of range"), "\(text)")
  }

  @Test("A changed helper, one more and one less make another program")
  func cache() throws {
    let swiftc = try #require(SearchPath.standard.first(named: "swiftc"))
    let log = scratch.url.path + "/log"
    try scratch.script("bin/swiftc", "echo ran >> '\(log)'\nexec '\(swiftc)' \"$@\"")
    var compiler = try compiler(cached: true)
    compiler.searchPath = SearchPath(scratch.url.path + "/bin")
    func runs() throws -> Int {
      try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").count
    }
    let path = try folder(
      "cached", ["model.swift": "graph(name())", "b.swift": "func name() -> String { \"b\" }"])
    for _ in 0..<2 { #expect(try compiler.trace(model: path).graph == "b") }
    #expect(try runs() == 1)
    try folder("cached", ["b.swift": "func name() -> String { \"c\" }"])
    #expect(try compiler.trace(model: path).graph == "c")
    try folder("cached", ["c.swift": "func other() -> String { \"c\" }"])
    #expect(try compiler.trace(model: path).graph == "c")
    #expect(try runs() == 3)
    try FileManager.default.removeItem(atPath: path + "/c.swift")
    #expect(try compiler.trace(model: path).graph == "c")
    #expect(try runs() == 3, "it is the one from before")
  }

  @Test("A first line for a shell, and marks of the encoding, are no error and count as they do")
  func firstLines() throws {
    let path = scratch.url.path + "/first"
    try scratch.write("first/b.swift", "func name() -> Int { 1 }\n")
    for beginning in ["#!/usr/bin/swift\n", "\u{feff}"] {
      try scratch.write(
        "first/model.swift", beginning + "import StandIn\ngraph(\"\\(name()) \\(#line)\")\n")
      let line = beginning.hasSuffix("\n") ? 3 : 2
      #expect(try compiler().trace(model: path).graph == "1 \(line)")
    }
  }

  @Test("A folder in it is none of its files, whatever it is called")
  func folderInside() throws {
    let path = try folder("outer", ["model.swift": "graph(\"a\")", "b.swift": ""])
    try folder("outer/inner.swift", ["c.swift": "no Swift"])
    #expect(try compiler().trace(model: path).graph == "a")
  }

  @Test("Folders that are no model say why, and what to do")
  func noModel() throws {
    let none = try folder("none", ["other.swift": ""])
    #expect(
      try error(none) == """
        error: \(none) is a folder without model.swift
        hint: name a Swift file, or call the one that ends with LanguageModel(…) { … } model.swift
        """)
    let both = try folder("both", ["model.swift": "", "main.swift": ""])
    #expect(
      try error(both).hasPrefix("error: \(both) holds both model.swift and main.swift\nhint: "))
    let package = try folder(
      "package", ["Package.swift": "", "Sources/m/main.swift": "graph(\"p\")"])
    #expect(
      try error(package) == """
        error: \(package) is a Swift package, which moec does not build
        hint: name the folder of its sources that holds model.swift or main.swift: \(package)/Sources/m
        """)
    #expect(try compiler().trace(model: package + "/Sources/m").graph == "p")
    try FileManager.default.createDirectory(
      atPath: scratch.url.path + "/x/model.swift", withIntermediateDirectories: true)
    #expect(try error(scratch.url.path + "/x").contains("no such file, or it cannot be read"))
  }
}
