import CompiledModels
import GraphIR
import Lowering
import Planning
import Testing

@testable import Codegen

/// Where the clock is looked at.
@Suite struct ProfileTests {
  private static let options = GeneratedModel.Options(
    source: ModelSource(String(repeating: "// a line of the model\n", count: 80)),
    sourceName: "small.swift")

  private static func plan() throws -> Plan {
    try Pipelines.plan(MakeMoE("small") { ($0.depth, $0.dropout) = (2, 0.1) }.graph())
  }

  private static func lines(_ files: [GeneratedFile], _ path: String) throws -> [Substring] {
    try #require(files.first { $0.path == path }).text
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test("Every call is timed once, in the plan's order, and nothing else is changed")
  func calls() throws {
    let plan = try Self.plan()
    let files = GeneratedModel(plan, Self.options).files
    let profiled = try ProfiledModel(plan, files: files)
    let calls = plan.layers.enumerated().flatMap { index, layer in
      [Phase.forward, .backward].flatMap { phase in
        layer.calls(phase).indices.map { "\(index) \(phase) \($0)" }
      }
    }
    #expect(profiled.sites.map { "\($0.layer) \($0.phase) \($0.call)" } == calls)
    for (number, site) in profiled.sites.enumerated() {
      let own = try Self.lines(files, site.file)[(site.line - 1)...].prefix(site.code.count)
      let indent = own[own.startIndex].prefix { $0 == " " }
      #expect(Array(own) == site.code.map { indent + $0 })
      #expect(site.code.joined().contains("\(site.kernel)("))
      let timed = try Self.lines(profiled.files, site.file)
      let begin = try #require(timed.firstIndex(of: "    moec_profile_begin(\(number));"))
      #expect(Array(timed[(begin + 1)...].prefix(own.count)) == Array(own))
      #expect(timed[begin + 1 + own.count] == "    moec_profile_end(\(number));")
    }
    for file in files where file.path != SourceArchive.path {
      let timed = try Self.lines(profiled.files, file.path)
      #expect(
        timed.filter { !$0.contains("moec_profile") }.joined(separator: "\n") == file.text,
        "\(file.path)")
    }
  }

  @Test("The optimizer's step is timed where training makes it")
  func updates() throws {
    let plan = try Self.plan()
    let files = GeneratedModel(plan, Self.options).files
    let profiled = try ProfiledModel(plan, files: files)
    let site = try #require(profiled.updateSite)
    #expect(site == profiled.sites.count)
    let training = try Self.lines(profiled.files, "training.c")
    let begins = training.indices.filter { training[$0] == "    moec_profile_begin(\(site));" }
    #expect(begins.count == 2)
    for begin in begins {
      #expect(training[begin + 1].trimmed.hasPrefix("model_update("))
      #expect(training[begin + 2] == "    moec_profile_end(\(site));")
    }
    let adamw = try Self.lines(files, "adamw.c")
    #expect(adamw[profiled.updateLine - 1].hasPrefix("void model_update("))
    #expect(!files.contains { $0.text.contains("#pragma moec") })
  }

  /// The function of a run by sequence stands below the one that calls it.
  @Test("Of two calls of the same text, each is timed where it is made")
  func twins() throws {
    var plan = try Self.plan()
    let forward = plan.layers[1].forward
    let norm = try #require(forward.firstIndex { $0.op?.kind == .layerNorm })
    #expect(plan.layers[1].forwardRuns[0].kind == .bySequence && norm == 0)
    plan.layers[1].forward.append(forward[norm])
    let last = plan.layers[1].forwardRuns.count - 1
    plan.layers[1].forwardRuns[last].calls =
      plan.layers[1].forwardRuns[last].calls.lowerBound..<forward.count + 1
    let files = GeneratedModel(plan, Self.options).files
    let sites = try ProfiledModel(plan, files: files).sites.filter {
      $0.layer == 1 && $0.phase == .forward
    }
    let block = try Self.lines(files, "block.c")
    let below = try #require(block.firstIndex { $0.hasPrefix("void block_forward_sequences(") })
    #expect(sites[0].code == sites[forward.count].code)
    #expect(sites[0].line > below && sites[forward.count].line < below)
  }

  private func profile(_ change: (inout [Substring]) throws -> Void) throws -> ProfiledModel {
    let plan = try Self.plan()
    var files = GeneratedModel(plan, Self.options).files
    let index = try #require(files.firstIndex { $0.path == "block.c" })
    var lines = try Self.lines(files, "block.c")
    try change(&lines)
    files[index].text = lines.joined(separator: "\n")
    return try ProfiledModel(plan, files: files)
  }

  @Test("Calls are found in C that was changed around them")
  func changed() throws {
    let sites = try profile { _ in }.sites
    let changed = try profile { lines in
      let call = sites.first { $0.file == "block.c" && $0.phase == .forward && $0.call == 2 }
      let line = try #require(call).line - 1
      lines[line] = "  " + lines[line]
      lines.insert(contentsOf: ["    // looked at", "    trace(s->h);"], at: line)
      lines.removeAll { $0.trimmed.hasPrefix("//") }
    }
    #expect(changed.sites.map(\.kernel) == sites.map(\.kernel))
    #expect(
      changed.sites.filter { $0.file == "block.c" }.map(\.line)
        != sites.filter { $0.file == "block.c" }.map(\.line))
    for site in changed.sites where site.file == "block.c" {
      let lines = try Self.lines(changed.files.filter { $0.path == "block.c" }, "block.c")
        .filter { !$0.contains("moec_profile") }
      let own = lines[(site.line - 1)...].prefix(site.code.count).map(\.trimmed)
      #expect(own == site.code.map { $0[...].trimmed })
    }
  }

  @Test("A changed call is refused, and so is what has nothing of the model's C")
  func refused() throws {
    let call = try profile { _ in }.sites.first { $0.file == "block.c" && $0.phase == .forward }
    let line = try #require(call).line - 1
    #expect(throws: ProfileMismatch(file: "block.c")) {
      try profile { $0[line] += "  // twice" }
    }
    #expect(throws: ProfileMismatch(file: "block.c")) { try profile { $0 = [] } }
    #expect(throws: ProfileMismatch(file: "block.c")) {
      try profile { $0 = (0..<100_000).map { "line \($0)" } }
    }
  }

  @Test("Lines are found again whatever came between them")
  func places() {
    func places(_ a: String, _ b: String) -> [Int?] {
      TimedText.places(of: a.utf8.map { [$0] }, in: b.utf8.map { [$0] })
    }
    #expect(places("abc", "abc") == [0, 1, 2])
    #expect(places("abc", "xabyc") == [1, 2, 4])
    #expect(places("abc", "ac") == [0, nil, 1])
    #expect(places("aaa", "aa").compactMap(\.self) == [0, 1])
    #expect(places("", "ab") == [] && places("ab", "") == [nil, nil])
  }
}
