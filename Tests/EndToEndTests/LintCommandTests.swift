import CompiledModels
import Foundation
import Lint
import ModelFixtures
import Testing

/// Warnings of `moec compile` and `moec check`, as a user meets them.
@Suite struct LintCommandTests {
  private static let untrained = SmallModelFile.source.replacing(
    ".top(2)", with: ".top(1)")

  @Test("compile warns at the model's own line, again when everything is cached")
  func warns() throws {
    let folder = try SmallModelFile.folder(Self.untrained)
    for _ in 0..<2 {
      let result = try Moec.run(["compile", "model.swift"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("warning: the parameter"), "\(result.errors)")
      #expect(result.errors.contains("[untrained-parameter]\n  hint: "))
      #expect(result.errors.contains(#/(?m)^model\.swift:\d+:\d+: warning: /#))
      #expect(FileManager.default.fileExists(atPath: "\(folder)/build/libmodel.so"))
    }
  }

  @Test("--strict makes them errors, and nothing is written", arguments: ["compile", "check"])
  func strict(command: String) throws {
    let folder = try SmallModelFile.folder(Self.untrained)
    let result = try Moec.run([command, "model.swift", "--strict"], in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains(/(?m)^model\.swift:\d+:\d+: error: .*\[untrained-parameter\]$/))
    #expect(!result.errors.contains("warning:"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names == ["model.swift", "text.txt"])
  }

  @Test("An unknown rule stops the compiler and names all rules", arguments: ["compile", "check"])
  func unknownRule(command: String) throws {
    let source = SmallModelFile.source + "// moec:intended everything\n"
    let folder = try SmallModelFile.folder(source)
    let result = try Moec.run([command, "model.swift"], in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("error: there is no rule \"everything\""))
    #expect(result.errors.contains(Rule.allCases.map(\.rawValue).joined(separator: ", ")))
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/build"))
  }

  static let examples = Result {
    try FileManager.default.contentsOfDirectory(
      atPath: Moec.repository.appendingPathComponent("Examples").path
    ).filter { $0.hasSuffix(".swift") }.sorted()
  }

  @Test("The examples say themselves what is intended")
  func examples() throws {
    let names = try Self.examples.get()
    #expect(names.contains("makemoe.swift"))
    for name in names {
      let result = try Moec.run(
        ["check", "Examples/\(name)", "--strict"], in: Moec.repository.path)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.isEmpty)
    }
  }

  @Test("Without its marks the example compiles with the warnings that are true of it")
  func unmarked() throws {
    let path = Moec.repository.appendingPathComponent("Examples/makemoe.swift")
    let source = try String(contentsOf: path, encoding: .utf8)
    let folder = try SmallModelFile.folder(source.replacing(/\/\/ moec:intended.*/, with: ""))
    let result = try Moec.run(["compile", "model.swift", "--emit", "plan"], in: folder)
    #expect(result.status == 0)
    let rules = result.errors.matches(of: /warning: .*\[([a-z-]+)\]/).map { String($0.output.1) }
    #expect(rules == ["attention-scale", "noise-in-evaluation", "evaluation-cost"])
  }

  @Test(
    "check says what it checked, and checks gradients of any size of model",
    arguments: [
      ("tiny", "28,056", 32), ("makemoe-capacity", "8,996,545", 142),
    ])
  func check(name: String, parameters: String, tensors: Int) throws {
    let result = try Moec.run(
      ["check", "Examples/\(name).swift", "--gradients"], in: Moec.repository.path)
    #expect(result.status == 0, "\(result.errors)")
    for text in [
      "\(name): \(parameters) parameters", "verified after", "planned:", "no warnings",
      "gradients: all \(tensors) are right", "in a model cut down to B 2, T 5",
    ] {
      #expect(result.output.contains(text), "\(text) in \(result.output)")
    }
  }

  @Test("check compares the compiled C with the interpreter, and leaves nothing behind")
  func compiled() throws {
    let folder = try SmallModelFile.folder(SmallModelFile.source)
    let result = try Moec.run(["check", "model.swift", "--compiled"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains(#/compiled C: all of \d+ results are right/#))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
  }

  @Test("check finds what is wrong with a model, and writes nothing")
  func wrong() throws {
    let folder = try SmallModelFile.folder(
      SmallModelFile.source.replacing(".top(2)", with: ".top(9)"))
    let result = try Moec.run(["check", "model.swift"], in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("error: top: cannot choose 9"))
    #expect(result.output.isEmpty)
  }

  @Test("check --rules explains every rule, as Docs/lint.md does")
  func rules() throws {
    let result = try Moec.run(["check", "--rules"])
    let page = try String(
      contentsOf: Moec.repository.appendingPathComponent("Docs/lint.md"), encoding: .utf8)
    for rule in Rule.allCases {
      #expect(result.output.contains("\(rule.rawValue)\n  \(rule.definition.sentence)"))
      #expect(page.contains("`\(rule.rawValue)`"), "Docs/lint.md does not name \(rule.rawValue)")
    }
  }

  @Test(
    "Wrong usage",
    arguments: [
      ["check"], ["check", "--rules", "model.swift"],
      ["compile", "model.swift", "--strict", "--emit", "graph"],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Moec.run(arguments).status == 64)
  }
}
