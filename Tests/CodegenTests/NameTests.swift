import CompiledModels
import Foundation
import GraphIR
import MoE
import ModelFixtures
import Planning
import Testing

@testable import Codegen

/// No name that a model may have is in the way of another name in the C.
@Suite struct NameTests {
  /// Files that hold all kernels, all of the interface, and routes; their names from models are few.
  private static let files: [GeneratedFile] = {
    let models: [MakeMoE] = [
      MakeMoE("noisy") { $0.dropout = 0.2 },
      MakeMoE("tied") { ($0.isTied, $0.hasOffset) = (true, true) },
    ]
    return
      (models.flatMap { (try? GeneratedModel(Pipelines.plan($0.graph()), options))?.files ?? [] })
      + KernelFile.all.flatMap(\.files)
  }()

  private static let options = GeneratedModel.Options(sourceName: "names.swift")

  /// All words of a text but those in comments and strings.
  private static func words(_ text: String) -> Set<String> {
    let code = text.split(separator: "\n").map { line -> Substring in
      let parts = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.first ?? ""
    }
    let plain = code.joined(separator: "\n").replacingOccurrences(of: "\\\"", with: "")
      .split(separator: "\"", omittingEmptySubsequences: false)
      .enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element).joined(separator: " ")
    return Set(
      plain.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_") }.map(String.init)
        .filter { $0.first?.isNumber == false })
  }

  /// Macros and words of the headers that generated files include, as the compiler here has them.
  private static let headers: (macros: Set<String>, words: Set<String>) = {
    var (macros, found): (Set<String>, Set<String>) = ([], [])
    for compiler in CompilerTests.compilers where CompilerTests.isThere(compiler) {
      let text = """
        #define _DEFAULT_SOURCE
        #include <math.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <time.h>
        #include <sys/mman.h>
        """
      guard let folder = try? ModelFixture.folder() else { continue }
      let path = URL(fileURLWithPath: folder).appendingPathComponent("headers.c")
      try? Data(text.utf8).write(to: path)
      let flags = ["-std=c11", "-march=native", "-fopenmp", "-E"]
      let defined = try? Command.run("/usr/bin/env", [compiler] + flags + ["-dM", path.path])
      for line in defined?.output.split(separator: "\n") ?? [] {
        // One with arguments is a macro only before a parenthesis.
        let parts = line.split(separator: " ")
        if parts.count > 1, !parts[1].contains("(") { macros.insert(String(parts[1])) }
      }
      let whole = try? Command.run("/usr/bin/env", [compiler] + flags + ["-P", path.path])
      found.formUnion(words(whole?.output ?? ""))
    }
    return (macros, found)
  }()

  private static let code = Set(
    files.filter { $0.path.hasSuffix(".c") || $0.path.hasSuffix(".h") }
      .flatMap { words($0.text) })

  /// Everything that anybody might call something.
  private static let candidates: [String] = {
    let all = code.union(headers.macros).union(headers.words).union(CWords.language)
    return all.filter { $0.utf8.count <= 60 && $0.first?.isLetter == true }.sorted()
  }()

  @Test("The words of kernels, files and headers are found")
  func words() {
    for word in ["linear", "softmax", "main", "FOR_OWN", "moec_logits", "work_shares"] {
      #expect(Self.candidates.contains(word) || word == "main", "\(word)")
    }
    #expect(Self.headers.words.isSuperset(of: ["gamma", "index", "exp", "stdin"]))
    #expect(Self.candidates.count > 1500)
    #expect(
      CWords.kernels.isSuperset(of: ["linear", "softmax", "FOR_OWN", "LANES", "work_shares"]))
    #expect(CWords.kernels.isDisjoint(with: ["rows", "width"]))
  }

  @Test("An axis is no word of the kernels, the files or the headers")
  func axes() {
    // These models' own axes; that another has their names is what the test of all of them is for.
    let own: Set = ["B", "T", "V", "C", "H", "E", "K", "D"]
    let words = Self.code.union(Self.headers.macros).union(Self.headers.words).subtracting(own)
    for name in Self.candidates + ["main", "I", "Q", "T2", "Experts"] {
      #expect(!words.contains(CNames.axis(name)), "\(name)")
    }
  }

  @Test("An argument or function is nothing that kernels or headers define for all")
  func values() {
    let words = CWords.kernels.union(Self.headers.macros).union(CWords.language)
    for name in Self.candidates {
      #expect(!words.contains(CNames.identifier(name)), "\(name)")
      #expect(!Self.headers.macros.contains(CNames.field(name)), "\(name)")
    }
  }

  @Test("A layer is nothing that files which know all layers define, whatever is put behind it")
  func layers() {
    let own: Set = ["input", "block", "output", "body", "gradient_layer"]
    let known = Self.files.filter { file in
      file.path == "model.c" || file.path == "model.h"
        || RuntimeFile.all.contains { $0.path == file.path }
    }
    #expect(known.contains { $0.path == "training.c" })
    let words = Set(known.flatMap { CDefinedNames($0.text).found }).union(CWords.kernels)
      .union(Self.headers.macros)
    func isOwn(_ word: String) -> Bool {
      own.contains { word == $0 || word.hasPrefix($0 + "_") }
        || word.hasPrefix("d_") || word.hasSuffix("_weight") || word.hasSuffix("_bias")
    }
    for name in Self.candidates {
      for ending in CWords.endings + [""] {
        let word = CNames.layer(name) + ending
        #expect(!words.contains(word) || isOwn(word), "\(name): \(word)")
      }
    }
  }

  @Test("Two names never become one, and never one of another kind")
  func apart() {
    var names = Self.candidates
    names += names.flatMap { [$0 + "_", $0 + "_axis", $0 + "_layer", $0 + "_axis_"] }
    names = Array(Set(names))
    let axes = names.map(CNames.axis)
    let layers = names.map(CNames.layer)
    let values = names.map(CNames.identifier)
    for kind in [axes, layers, values, names.map(CNames.field)] {
      #expect(Set(kind).count == names.count)
    }
    #expect(Set(axes).isDisjoint(with: layers))
    #expect(Set(axes).isDisjoint(with: values))
  }

  /// A model in which everything has the given names, one after the other. Of every third one the last use is a
  /// layer of its own, and there is something between it and the next: each is one more file.
  private static func plan(_ names: [String]) throws -> Plan {
    let axes = names.enumerated().map { MoE.Axis($1, 2 + $0 % 3) }
    let graph = try LanguageModel.trace(
      "names", vocabulary: axes[0], context: axes[1], batch: axes[2]
    ) { text in
      var x = text.tokens.embedding(names[0], axes[3])
      for (index, (name, axis)) in zip(names, axes).enumerated().dropFirst(3) {
        let isApart = index % 3 == 0
        func gained(_ x: Tensor) -> Tensor {
          let value = scope(name) { x * parameter("gain", axes[3]) }
          return value.relu() + value
        }
        x = MoE.layers(name, isApart ? 2 : 1, x) { x in
          let y = scope(name) { x.linear(name, axis, bias: true) }
          let gain = y * parameter("p", axis)
          let routing = gain.linear("gate", axes[4]).top(1).softmax()
          let sum = x + y.routed(by: routing).linear("up", axes[3]).combined() * 0.5
          return isApart ? sum : gained(sum)
        }
        if isApart { x = gained(x) }
      }
      return x.linear("head", axes[0])
    }
    // The line of each node says `let NAME = …`, so that values have the names.
    var named = try Pipelines.transformed(graph)
    let source = names.map { "let \($0) = 1" }.joined(separator: "\n")
    for index in named.nodes.indices {
      named.nodes[index].location = SourceLocation(
        file: "names.swift", line: 1 + index % names.count, column: 1)
    }
    return try Plan(named, source: ModelSource(source))
  }

  private static let compilers = ["clang", "gcc"].filter(CompilerTests.isThere)

  /// Names of this many are tried in one model.
  private static let each = 24

  static let chunks: [[String]] = stride(from: 0, to: risky.count, by: each).map { start in
    (0..<each).map { risky[(start + $0) % risky.count] }
  }

  /// Words that are most likely in the way.
  private static let risky: [String] = {
    let defined = CWords.kernels.union(CWords.variables).union(CWords.model).union(CWords.library)
      .union(CWords.language)
    let library = headers.words.filter { $0.first?.isLowercase == true && $0.count < 5 }
    let others = [
      "main", "x_axis", "block_saved", "a_t", "a", "shares_2", "T", "I", "Q_axis", "a_", "x_layer",
      "y", "h", "logits_", "compute_x", "finish_add", "add", "scale", "relu", "finish", "compute",
    ]
    return Set(defined.union(library).union(others))
      .filter { $0.first?.isLetter == true && $0.utf8.count <= 60 }.sorted()
  }()

  @Test("A model with any of these names everywhere compiles without a warning", arguments: chunks)
  func compiles(names: [String]) throws {
    let code = GeneratedModel(try Self.plan(names), Self.options)
    let folder = try CompiledModel.write(code)
    // No name is in the kernels' own files, which are the same in all of these models.
    let sources = code.sources.filter { names == Self.chunks[0] || !$0.hasPrefix("kernels/") }
    for compiler in Self.compilers {
      let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-fopenmp"]
      let result = try Command.run("/usr/bin/env", [compiler] + flags + sources, in: folder.path)
      #expect(result.status == 0, "\(compiler) \(names): \(result.errors.prefix(2000))")
    }
  }
}
