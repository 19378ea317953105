import Benchmark
import Foundation
import ModelFixtures
import Testing

@Suite struct InspectTests {
  private func inspect(_ arguments: String...) throws -> String {
    let result = try Command.moec(["inspect", TinyLibrary.path.get()] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return result.output
  }

  @Test func summaryIsThatOfThePlan() throws {
    let plan = try CarriedPlan(library: TinyLibrary.path.get()).plan
    #expect(try inspect("--summary") == plan.summary + "\n")
  }

  @Test func layerShowsFormulasCodeAndBuffers() throws {
    let mixture = try inspect("--layer", "block.mixture")
    for text in [
      "block, used 2 times: block.0, block.1", "\nforward\n", "\nbackward\n",
      "mixture_gate, mixture_up: linear, tiny.swift:19, tiny.swift:20", "y[r, :] = w x[r, :] + b",
      "mixture_up_weight", "      expert_linear", "saved from forward to backward",
      "scratch, with the calls",
    ] {
      #expect(mixture.contains(text), "\(text)")
    }
    #expect(!mixture.contains("causal_attention("))
    #expect(try inspect("--layer", "block.1.mixture") == mixture)
    let block = try inspect("--layer", "block")
    #expect(block.contains("causal_attention_after(") && block.count > mixture.count)
  }

  @Test func partOfALayerSaysWhereItIs() throws {
    let library = try TinyLibrary.path.get()
    let result = try Command.moec(["inspect", library, "--layer", "mixture.up"])
    #expect(result.status == 1)
    #expect(result.errors.contains("error: there is no layer \"mixture\"\nhint: "))
    #expect(
      result.errors.contains("a part of the layer block: give --layer block.mixture.up"))
    let shown = try inspect("--layer", "block.mixture.up")
    #expect(shown.contains("mixture_up: linear"))
  }

  /// The code is the carried file's own, at the line that is said.
  @Test func layerQuotesTheGeneratedC() throws {
    let library = try TinyLibrary.path.get()
    let carried = try CarriedPlan(library: library)
    let code = try #require(carried.sources["block.c"]?.text)
    let lines = code.split(separator: "\n", omittingEmptySubsequences: false)
    let shown = try inspect("--layer", "block").split(separator: "\n")
    let places = shown.indices.filter { shown[$0].hasPrefix("    block.c:") }
    #expect(places.count > 20)
    for place in places {
      let number = try #require(Int(shown[place].split(separator: ":")[1]))
      let quoted = shown[place + 1].drop { $0 == " " }
      #expect(lines[number - 1].hasSuffix(quoted))
    }
  }

  @Test func memoryStaysWithinTheArena() throws {
    let plan = try CarriedPlan(library: TinyLibrary.path.get()).plan
    let text = try inspect("--memory")
    #expect(text.contains("one arena of \(plan.memory.total.grouped) bytes"))
    let rows = text.split(separator: "\n").filter {
      $0.hasPrefix("forward ") || $0.hasPrefix("backward ")
    }
    #expect(rows.count == 2 * plan.uses.count)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
    for row in rows {
      let numbers = row.split(separator: " ").compactMap { Int($0.filter { $0 != "," }) }
      let live = try #require(numbers.last)
      #expect(0 < live && live <= plan.memory.saved + plan.memory.scratch)
    }
  }

  /// Counts are for people: each thousand has its comma, and a line fits a terminal.
  @Test func numbersCanBeRead() throws {
    let texts = [
      try inspect("--summary"), try inspect("--memory"),
      try Command.moec(["check", "Examples/makemoe.swift"], in: Self.repository).output,
    ]
    for text in texts {
      #expect(text.contains(/[0-9],[0-9]{3} |[0-9],[0-9]{3}\n/), "\(text)")
      #expect(!text.contains(/[0-9]{4}/), "\(text)")
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
    }
  }

  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  @Test func graphIsDrawn() throws {
    let dot = try inspect("--graph", "dot")
    #expect(dot.hasPrefix("digraph \"tiny\" {") && dot.hasSuffix("}\n"))
    #expect(dot.contains("label=\"block × 2\\nblock.0 … block.1\"") && dot.contains("f32[B, T, C]"))
    #expect(dot.filter { $0 == "{" }.count == dot.filter { $0 == "}" }.count)
    let found = try Command.run("/usr/bin/env", ["sh", "-c", "command -v dot"])
    let svg = try Command.moec(["inspect", TinyLibrary.path.get(), "--graph", "svg"])
    if found.status == 0 {
      #expect(svg.status == 0 && svg.output.contains("</svg>"))
    } else {
      expectFailure(svg, "Graphviz's dot did not draw the graph")
    }
  }

  @Test func saysWhatIsNotThere() throws {
    let library = try TinyLibrary.path.get()
    expectFailure(
      try Command.moec(["inspect", library, "--layer", "blok"]), "there is no layer \"blok\"")
    expectFailure(
      try Command.moec(["inspect", library, "--layer", "block.99"]), "there is no block.99")
    expectFailure(
      try Command.moec(["inspect", library, "--layer", "block.mix"]), "block has no part \"mix\"")
    expectFailure(
      try Command.moec(["inspect", ModelFixture.bigram(), "--summary"]),
      "does not carry its sources")
    #expect(try Command.moec(["inspect", library]).status == 64)
    #expect(try Command.moec(["inspect", library, "--summary", "--memory"]).status == 64)
    #expect(try Command.moec(["inspect", library, "--graph", "png"]).status == 64)
  }
}
