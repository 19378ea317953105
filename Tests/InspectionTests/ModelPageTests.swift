import Benchmark
import CompiledModels
import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Toolchain

@testable import Inspection

@Suite("A model's page")
struct ModelPageTests {
  private func facts() throws -> PageFacts {
    try ModelPage(InspectedModel(library: InspectionLibrary.path.get())).facts
  }

  @Test("every call has lines of C, nodes and a line of the model")
  func callsHaveCounterparts() throws {
    let facts = try facts()
    let source = try #require(facts.files.first { $0.path == "model.swift" })
    let sourceLines = 1...source.text.split(separator: "\n", omittingEmptySubsequences: false).count
    #expect(facts.calls.count > 30)
    for (index, call) in facts.calls.enumerated() {
      let spans = facts.spans.filter { $0.call == index }
      #expect(spans.count == 1, "\(call.title) \(call.scope)")
      for span in spans {
        let lines = facts.files[span.file].text.split(
          separator: "\n", omittingEmptySubsequences: false)
        let code = lines[span.first - 1..<span.last].joined(separator: "\n")
        #expect(code.contains("\(call.kernel ?? "?")("))
        for operand in call.results + call.inputs
        where ["saved for backward", "scratch", "parameter"].contains(operand.place) {
          #expect(code.contains(operand.name), "\(operand.name) in \(code)")
        }
      }
      #expect(!call.nodes.isEmpty)
      for node in call.nodes {
        #expect(facts.nodes[node].calls.contains(index))
        #expect(facts.nodes[node].line.map(sourceLines.contains) == true)
      }
    }
  }

  @Test("what the parts call each other exists")
  func numbersResolve() throws {
    let facts = try facts()
    for layer in facts.layers {
      #expect(layer.file.map { facts.files[$0].path } == "\(layer.name).c")
      #expect((layer.forward + layer.backward).allSatisfy(facts.calls.indices.contains))
      #expect(layer.parameterNodes.allSatisfy { facts.nodes[$0].op == "parameter" })
      #expect(layer.parameterNodes.allSatisfy { !facts.nodes[$0].calls.isEmpty })
    }
    for node in facts.nodes {
      #expect(node.types.allSatisfy(facts.types.indices.contains))
      #expect(!node.calls.isEmpty, "\(node.text)")
      #expect(node.text.hasPrefix("%\(node.number) = "))
    }
    for function in facts.functions {
      let lines = facts.files[function.file].text.split(
        separator: "\n", omittingEmptySubsequences: false)
      // Or as the first argument of the macro that makes it.
      let line = lines[function.first - 1]
      #expect(line.contains("\(function.name)(") || line.contains("(\(function.name),"))
      #expect(function.last <= lines.count)
    }
    let names = Set(facts.functions.map(\.name))
    for call in facts.calls where call.kernel != "memcpy" {
      #expect(names.contains(call.kernel ?? "?"), "\(call.kernel ?? "?")")
    }
  }

  @Test("buffers lie within their regions and lives, and none on another")
  func memory() throws {
    let facts = try facts()
    #expect(facts.buffers.count > 100)
    for buffer in facts.buffers {
      let region = facts.regions[buffer.region]
      #expect(region.offset <= buffer.offset, "\(buffer.name)")
      #expect(buffer.offset + buffer.bytes <= region.offset + region.bytes, "\(buffer.name)")
      #expect(0 <= buffer.first && buffer.last < facts.duration)
      #expect(buffer.touched.allSatisfy { (buffer.first...buffer.last).contains($0) })
    }
    for (index, a) in facts.buffers.enumerated() {
      for b in facts.buffers[(index + 1)...]
      where a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes {
        #expect(a.last < b.first || b.last < a.first, "\(a.name) and \(b.name)")
      }
    }
  }

  @Test("the model's text cannot leave its place, and the same library gives the same page")
  func escaping() throws {
    let library = try InspectionLibrary.path.get()
    let html = try ModelPage(InspectedModel(library: library)).page.html
    #expect(!html.contains("</script><!--"))
    #expect(html.contains("\\u003c/script>\\u003c!-- & \\u003cb>"))
    let path = try ModelFixture.folder() + "/page.html"
    let written = try Moec.run(["inspect", library, "--html", path])
    #expect(written.status == 0 && written.errors.isEmpty, "\(written.errors)")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == html)
  }
}

@Suite("Measurements on a model's page")
struct BenchPageTests {
  private func page(_ bench: String) throws -> ModelPage {
    try ModelPage(InspectedModel(library: InspectionLibrary.path.get()), bench: bench)
  }

  @Test("every call of a step has a time")
  func times() throws {
    let page = try page(InspectionLibrary.bench.get())
    #expect(page.facts.calls.allSatisfy { ($0.time?.milliseconds ?? 0) > 0 })
    #expect(page.facts.bench?.threads == 1)
    #expect(page.page.html.contains("measured step"))
  }

  @Test("a report of another model or build is refused")
  func others() throws {
    let path = try InspectionLibrary.bench.get()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    func changed(_ old: String, _ new: String) throws -> String {
      try #require(text.contains(old))
      return try InspectionLibrary.file("b.json", text.replacingOccurrences(of: old, with: new))
    }
    let other = try changed("\"model\" : \"tiny\"", "\"model\" : \"huge\"")
    #expect(throws: BenchFileError.self) { try page(other) }
    let moved = try changed("\"kernel\" : \"softmax\"", "\"kernel\" : \"hardmax\"")
    #expect(throws: BenchFileError.self) { try page(moved) }
    let library = try InspectionLibrary.path.get()
    let result = try Moec.run(["inspect", library, "--html", "x.html", "--bench", other])
    #expect(result.status == 1 && result.errors.contains("was measured on huge with"))
    #expect(result.errors.contains("hint: measure this library"))
  }

  @Test("the summary ends with the times of a report")
  func summaryTimes() throws {
    let library = try InspectionLibrary.path.get()
    let bench = try InspectionLibrary.bench.get()
    let plain = try Moec.run(["inspect", library, "--summary"])
    let timed = try Moec.run(["inspect", library, "--summary", "--bench", bench])
    #expect(timed.status == 0 && timed.output.hasPrefix(plain.output))
    #expect(timed.output.contains("measured with 1 thread:"))
    #expect(timed.output.contains("times the machine's limit"))
    let refused = try Moec.run(["inspect", library, "--summary", "--bench", library])
    #expect(refused.status == 1 && refused.errors.contains("is not what moec bench --json prints"))
  }

  @Test("what is no report, cannot be read or cannot be written is said")
  func badFiles() throws {
    let folder = try ModelFixture.folder()
    #expect(throws: BenchFileError.notAReport(path: folder + "/e.json")) {
      try "{}".write(toFile: folder + "/e.json", atomically: true, encoding: .utf8)
      _ = try page(folder + "/e.json")
    }
    let library = try InspectionLibrary.path.get()
    func failure(_ arguments: String...) throws -> String {
      let result = try Moec.run(["inspect", library] + arguments, in: folder)
      #expect(result.status == 1 && result.errors.split(separator: "\n").count == 2)
      return result.errors
    }
    #expect(try failure("--html", "x.html", "--bench", "absent").contains("cannot read absent"))
    #expect(try failure("--html", "absent/x.html").contains("cannot write absent/x.html"))
    #expect(try Moec.run(["inspect", library, "--memory", "--bench", "b"]).status == 64)
  }
}

@Suite("Pages of libraries that this moec would not have made")
struct OtherLibraryTests {
  /// The library with one carried file changed.
  private func library(_ file: String, _ change: (String) -> String) throws -> String {
    let folder = try ModelFixture.folder()
    let sources = try EmbeddedSources(library: InspectionLibrary.path.get())
    try sources.write(to: folder)
    try change(try #require(sources[file]).text)
      .write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
    let line = try CompiledModel.compiler().commandLine(
      sources: sources.files.map(\.path).filter { $0.hasSuffix(".c") }, output: "other.so")
    let built = try Command.run(
      "/bin/sh", ["-c", line.replacingOccurrences(of: " -O3 ", with: " -O0 ")], in: folder)
    try #require(built.status == 0, "\(built.errors)")
    return folder + "/other.so"
  }

  private func expectMarks(_ facts: PageFacts) {
    #expect(facts.spans.count > 10)
    #expect(facts.spans.allSatisfy { $0.call == nil && $0.source != nil && $0.last > $0.first })
  }

  @Test("changed C is shown, paired by its comments, with the plan's calls and memory")
  func changedCode() throws {
    let model = try InspectedModel(
      library: library("block.c") {
        $0.replacingOccurrences(of: "B*T, C, E)", with: "B*T, C, (E))")
      })
    #expect(model.notice?.hasPrefix("block.c is not what this moec writes") == true)
    let page = try ModelPage(model)
    expectMarks(page.facts)
    #expect(!page.facts.calls.isEmpty && !page.facts.buffers.isEmpty)
    #expect(page.page.html.contains("class=\"notice\""))
    #expect(throws: BenchFileError.self) {
      try ModelPage(model, bench: InspectionLibrary.bench.get())
    }
  }

  @Test("another plan is not guessed at")
  func changedPlan() throws {
    let model = try InspectedModel(library: library("plan.txt") { $0 + "another\n" })
    #expect(model.notice?.hasPrefix("The library has no plan that this moec reads") == true)
    let facts = try ModelPage(model).facts
    expectMarks(facts)
    #expect(facts.calls.isEmpty && facts.buffers.isEmpty)
    #expect(facts.layers.contains { $0.name == "block" && $0.looseNodes.count > 20 })
  }
}
