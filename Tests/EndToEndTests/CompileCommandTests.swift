import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Testing

/// `moec compile`, as a user meets it.
@Suite struct CompileCommandTests {
  @Test("Writes the library, its header and the C")
  func writes() throws {
    let folder = try SmallModelFile.compiled()
    let library = try ModelLibrary(path: "\(folder)/libsmall.so")
    #expect(library.manifest.name == "small")
    #expect(library.manifest.axes["C"] == 16)
    #expect(library.manifest.source == "model.swift")
    let files = FileManager.default
    for name in ["libsmall.h", "Generated/small/model.c", "Generated/small/block.c"] {
      #expect(files.fileExists(atPath: "\(folder)/\(name)"), "\(name)")
    }
    let block = try String(contentsOfFile: "\(folder)/Generated/small/block.c", encoding: .utf8)
    #expect(block.contains("x + attention(q, k, v).mergedHeads().linear(\"proj\", C)"))
  }

  @Test("Says what it does, and an edit costs what it changes")
  func saysWhatItDoes() throws {
    let folder = try SmallModelFile.folder()
    func compile(_ source: String, _ flags: [String] = []) throws -> String {
      try Data(source.utf8).write(to: URL(fileURLWithPath: "\(folder)/model.swift"))
      let result = try Moec.run(["compile", "model.swift", "-o", "lib.so"] + flags, in: folder)
      #expect(result.status == 0 && result.output.isEmpty)
      return result.errors
    }
    // Another width than that of other tests, as what the cache holds of theirs is not compiled.
    let source = SmallModelFile.source.replacingOccurrences(of: "(\"C\", 16)", with: "(\"C\", 12)")
    let first = try compile(source)
    let stages = ["traced", "lowered", "planned", "written", "linked"]
    #expect(stages.allSatisfy { first.contains("\n\($0) ") || first.hasPrefix($0) }, "\(first)")
    #expect(first.contains("\ncompiled  block.c "))

    #expect(try compile(source).contains("\nkept      the library as compiled before\n"))
    let comment = try compile(
      source.replacingOccurrences(of: "import MoE", with: "import MoE  // !"))
    #expect(comment.contains("\ncompiled  sources.c ") && !comment.contains("compiled  block.c"))
    func compiled(_ report: String) -> Set<Substring> {
      let lines = report.split(separator: "\n").filter { $0.hasPrefix("compiled ") }
      return Set(lines.compactMap { $0.split(separator: " ").dropFirst().first })
    }
    #expect(compiled(try compile("\n\n" + source)) == ["manifest.c", "sources.c"])
    let edit = try compile(source.replacingOccurrences(of: ".relu()", with: ".gelu()"))
    #expect(compiled(edit) == ["block.c", "model.c", "manifest.c", "sources.c"])
    let quiet = try compile(source, ["--quiet"])
    #expect(!(stages + ["kept", "wrote"]).contains { quiet.contains($0) }, "\(quiet)")
  }

  @Test("clang reads the header of vector instructions once, and nothing of it stays")
  func precompiles() throws {
    let compiler = try CompiledModel.compiler()
    guard compiler.version.contains("clang") else { return }
    let folder = try SmallModelFile.folder()
    let result = try Command.shell(
      """
      printf '#!/bin/sh\\necho "$*" >> "%s/runs"\\nexec %s "$@"\\n' "$PWD" "$1" > noting
      chmod +x noting
      mkdir tmp
      TMPDIR=$PWD/tmp MOEC_CACHE=$PWD/cache "$0" compile model.swift -o lib.so --cc "$PWD/noting" &&
        cat runs && ls tmp
      """, [compiler.path], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count { $0.contains("-x c-header") } == 1)
    #expect(lines.count { $0.contains("-include-pch") } > 10)
    #expect(lines.allSatisfy { $0.hasPrefix("-") }, "left behind")
  }

  /// Two models of one name do not take each other's place, and another folder stays as it is.
  @Test("Without -o all is in build/, called like the model's file")
  func writesToBuild() throws {
    let folder = try SmallModelFile.folder()
    let files = FileManager.default
    try files.createDirectory(atPath: "\(folder)/models", withIntermediateDirectories: true)
    try files.moveItem(atPath: "\(folder)/model.swift", toPath: "\(folder)/models/deep.swift")
    let result = try Moec.run(["compile", "models/deep.swift"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("wrote build/libdeep.so from build/deep"), "\(result.errors)")
    for name in ["libdeep.so", "libdeep.h", "deep/model.c", "deep/block.c"] {
      #expect(files.fileExists(atPath: "\(folder)/build/\(name)"), "\(name)")
    }
    #expect(try Self.names(in: folder) == ["build", "models", "text.txt"])
    #expect(try Self.names(in: folder + "/models") == ["deep.swift"])
  }

  @Test("A file called build is said, and kept")
  func buildIsAFile() throws {
    let folder = try SmallModelFile.folder()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder)/build"))
    let result = try Moec.run(["compile", "model.swift"], in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("error: cannot make build: "), "\(result.errors)")
    #expect(result.errors.contains("hint: name a library in another folder with -o LIB.so"))
    #expect(try String(contentsOfFile: "\(folder)/build", encoding: .utf8) == "mine")
  }

  @Test(
    "--emit prints each stage to standard output and writes nothing",
    arguments: [
      ("graph", "crossEntropy"), ("backward", "crossEntropyGradient"),
      ("plan", "memory, in bytes"), ("c", "void block_forward("),
    ])
  func emit(stage: String, contains: String) throws {
    let folder = try SmallModelFile.folder()
    let result = try Moec.run(["compile", "model.swift", "--emit", stage], in: folder)
    #expect(result.status == 0)
    #expect(result.output.contains(contains))
    #expect(try Self.names(in: folder) == ["model.swift", "text.txt"])
    if stage == "graph" || stage == "backward" {
      _ = try Graph(parsing: result.output)
    }
  }

  private static func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test("--print-after shows graphs, --time-passes a table, on standard error")
  func passes() throws {
    let folder = try SmallModelFile.folder()
    let arguments = ["compile", "model.swift", "--emit", "plan"]
    let one = try Moec.run(arguments + ["--print-after", "Differentiate"], in: folder)
    #expect(one.status == 0)
    #expect(one.errors.contains("# after Differentiate\n"))
    #expect(!one.errors.contains("# after DropUnused"))
    let all = try Moec.run(arguments + ["--print-after", "all", "--time-passes"], in: folder)
    #expect(all.errors.contains("# after DropUnused"))
    #expect(all.errors.contains(" ms  Differentiate"))
    #expect(all.output == one.output)
  }

  @Test("--no leaves a pass out")
  func omits() throws {
    let folder = try SmallModelFile.folder()
    let arguments = ["compile", "model.swift", "--emit", "backward"]
    let with = try Moec.run(arguments, in: folder)
    let without = try Moec.run(arguments + ["--no", "FusePointwise"], in: folder)
    #expect(without.status == 0)
    #expect(with.output != without.output)
  }

  @Test(
    "Unknown and required passes are named",
    arguments: [
      (["--no", "Wonder"], "there is no pass \"Wonder\""),
      (["--no", "Differentiate"], "Differentiate cannot be left out"),
      (["--print-after", "Wonder"], "there is no pass \"Wonder\""),
    ])
  func wrongPass(flags: [String], message: String) throws {
    let folder = try SmallModelFile.folder()
    let result = try Moec.run(["compile", "model.swift", "--emit", "plan"] + flags, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains(message))
    #expect(result.output.isEmpty)
  }

  @Test(
    "Errors of a model stand at the user's own line, all of them",
    arguments: [
      ("import MoE\nlet x: Int = \"one\"\n", ["model.swift:2:", "error:"]),
      (
        SmallModelFile.source.replacing(".heads(2)\n    let k", with: ".heads(3)\n    let k"),
        ["model.swift:7:", "error: heads"]
      ),
      (
        SmallModelFile.source.replacing(".top(2)", with: ".top(5)")
          .replacing("\"key\"", with: "\"query\""),
        ["model.swift:8:", "model.swift:11:", "error: top"]
      ),
      ("import MoE\nprint(\"no model\")\n", ["error:", "model.swift"]),
      ("import MoE\nfatalError(\"stop here\")\n", ["error:", "stop here"]),
    ])
  func wrongModel(source: String, expected: [String]) throws {
    let folder = try SmallModelFile.folder(source)
    let result = try Moec.run(["compile", "model.swift", "-o", "x.so"], in: folder)
    #expect(result.status == 1)
    for text in expected { #expect(result.errors.contains(text), "\(text) in \(result.errors)") }
    #expect(try Self.names(in: folder) == ["model.swift", "text.txt"])
  }

  @Test("Names that C or the generated files already use")
  func awkwardNames() throws {
    var source = SmallModelFile.source.replacing("\"block\"", with: "\"model\"")
    for (name, new) in [("query", "int"), ("key", "exp"), ("up", "p"), ("down", "s")] {
      source = source.replacing("\"\(name)\"", with: "\"\(new)\"")
    }
    source = source.replacing("Axis(\"C\", 16)", with: "Axis(\"I\", 16)")
    source = source.replacing(".relu()", with: ".tanh()")
    let folder = try SmallModelFile.folder(source)
    let result = try Moec.run(["compile", "model.swift", "-o", "libsmall.so"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    guard result.status == 0 else { return }
    let model = try Model(ModelLibrary(path: "\(folder)/libsmall.so"))
    model.initialize(seed: 1)
    let tokens = (0..<32).map { Int32($0 % 30) }
    #expect(try model.loss(tokens: tokens, targets: tokens, seed: 1).isFinite)
  }

  @Test(
    "No such file, no such compiler, no such folder",
    arguments: [
      (["compile", "none.swift"], "none.swift"), (["compile", ""], "error: \"\": no such file"),
      (["compile", "model.swift", "--cc", "./no-compiler"], "no-compiler"),
      (["compile", "model.swift", "-o", "no/such/folder/x.so"], "no/such/folder"),
      (["compile", "model.swift", "--target", "vax"], "vax"),
    ])
  func missing(arguments: [String], mentions: String) throws {
    let folder = try SmallModelFile.folder()
    let result = try Moec.run(arguments, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("error"))
    #expect(result.errors.contains(mentions))
    #expect(!FileManager.default.fileExists(atPath: folder + "/build/libmodel.so"))
  }

  @Test(
    "Wrong usage exits with 64",
    arguments: [
      ["compile"], ["compile", "model.swift", "--emit", "everything"],
      ["compile", "model.swift", "--unknown"], ["wonder"], ["compile", "model.swift", "-o", ""],
      ["run", "x.so", "--train", "--steps", "-1"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Moec.run(arguments, in: try SmallModelFile.folder())
    #expect(result.status == 64)
    #expect(!result.errors.isEmpty)
  }

  @Test("The same model gives the same files, whatever was there")
  func again() throws {
    let folder = try SmallModelFile.folder()
    let first = try Moec.run(["compile", "model.swift", "--emit", "c"], in: folder)
    let second = try Moec.run(["compile", "model.swift", "--emit", "c"], in: folder)
    #expect(first.status == 0)
    #expect(first.output == second.output)
  }

  /// Neither a header nor a C file of the user's, nor a newer model.
  @Test(
    "What moec did not write is not replaced",
    arguments: [
      (["compile", "model.swift", "-o", "libmine.so"], "libmine.h"),
      (["compile", "model.swift", "-o", "x.so", "--generated", "."], "model.h"),
      (["compile", "model.swift", "-o", "x.so", "--generated", "."], "graph.txt"),
      (["compile", "model.swift", "-o", "x.so", "--generated", "."], "kernels/linear.h"),
      (["inspect", "LIBRARY", "--extract", "."], "model.swift"),
      (["inspect", "LIBRARY", "--extract", "."], "block.c"),
    ])
  func keepsOtherFiles(arguments: [String], name: String) throws {
    let folder = try SmallModelFile.folder(SmallModelFile.source + "// newer\n")
    let library = try SmallModelFile.compiled() + "/libsmall.so"
    let file = URL(fileURLWithPath: "\(folder)/\(name)")
    if name != "model.swift" {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("int mine;\n".utf8).write(to: file)
    }
    let before = try Data(contentsOf: file)
    let listed = try Self.names(in: folder)
    let result = try Moec.run(arguments.map { $0 == "LIBRARY" ? library : $0 }, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("\(name) is there already, and not a"), "\(result.errors)")
    #expect(try Data(contentsOf: file) == before)
    #expect(try Self.names(in: folder) == listed)
  }
}
