import Foundation
import ModelFixtures
import Testing

@testable import Charts

@Suite struct FigureTests {
  @Test func drawsWhatTheLogsHave() throws {
    let plain = try Logs.history(Logs.plain([5, 4, 3]))
    let full = try Logs.history(Logs.full(), "full")
    #expect(try Figure([plain]).panels == [.losses])
    #expect(
      try Figure([plain, full]).panels
        == [.losses, .learningRate, .gradientNorm, .dropped, .loads])
    var options = Figure.Options()
    options.panels = [.loads, .losses, .loads]
    #expect(try Figure([full], options: options).panels == [.loads, .losses])
  }

  @Test func saysWhatIsNotInALog() throws {
    let plain = try Logs.history(Logs.plain([5, 4, 3]))
    for panel in Figure.Panel.allCases where panel != .losses {
      var options = Figure.Options()
      options.panels = [.losses, panel]
      let field = try #require(panel.field)
      #expect(
        refusal { _ = try Figure([plain], options: options) } == "run.jsonl: no \(field) in there")
    }
    #expect(refusal { _ = try Figure([]) } == "there is no log to draw")
  }

  @Test func refusesLossesThatDoNotCompare() throws {
    let characters = try Logs.history(Logs.plain([3, 2]), "characters")
    let words = try Logs.history(Logs.subwords([6, 4], charactersPerToken: 2.5), "words")
    let long = try Logs.history(Logs.subwords([6, 4], charactersPerToken: 4), "long")
    let points = try ReferencePoints(label: "p", path: "p.csv", text: Logs.reference)
    for (runs, references, names) in [
      ([characters, words], [], "characters.jsonl and words.jsonl"),
      ([words, long], [], "words.jsonl and long.jsonl"),
      ([words], [points], "words.jsonl and p.csv"),
    ] {
      let message = refusal { _ = try Figure(runs, references: references) }
      #expect(message == "losses of \(names) do not compare: their vocabularies differ")
      var options = Figure.Options()
      options.unit = .bits
      let table = try Figure(runs, references: references, options: options).table
      #expect(
        table.contains(
          String(
            format: "%.4f",
            inBits(runs[0].records[0].trainLoss)
              / (runs[0].charactersPerToken ?? 1))))
    }
    _ = try Figure([words, words])
  }

  @Test func refusesLossesBelowZeroOnALogarithmicAxis() throws {
    var options = Figure.Options()
    options.isLogarithmic = true
    let run = try Logs.history(Logs.plain([3, 0]))
    #expect(
      refusal { _ = try Figure([run], options: options) }
        == "run.jsonl: a loss at step 100 is not above 0")
  }

  @Test func printsLossesAtStepsThatAreShared() throws {
    let run = try Logs.history(Logs.plain([5.25, 2.5]), "a|b")
    let points = try ReferencePoints(label: "p", path: "p.csv", text: Logs.reference)
    #expect(
      try Figure([run], references: [points]).table == """
        | step | a\\|b | p |
        |---|---|---|
        | 0 | 5.2500 / 5.5000 | 4.1000 / 4.2000 |
        | 100 | 2.5000 / 2.7500 | 2.7500 / 2.8750 |

        """)
  }

  // MARK: - Pictures

  @Test func textsAreEscaped() throws {
    var options = Figure.Options()
    options.title = "a < b & \"c\" \u{1}]]>"
    let run = try Logs.history(Logs.plain([3, 2]), "</svg><script>alert(1)</script>")
    let svg = try Figure([run], options: options).svg()
    #expect(svg.contains("a &lt; b &amp; &quot;c&quot;  ]]&gt;"))
    #expect(!svg.contains("<script>"))
    try checkXML(svg)
    let page = try Figure([run], options: options).page()
    #expect(!page.contains("<script>alert"))
  }

  /// Every kind of run, one after the other at both widths, is XML without a number that is none.
  @Test func oddRunsAreDrawn() throws {
    let texts = [
      Logs.plain([3]), Logs.plain([3, 3, 3]), Logs.plain([1e-9, 1e9]), Logs.full(records: 1),
      Logs.full(records: 900), Logs.subwords([5, 4], charactersPerToken: 3),
      #"{"step":1000000000000,"train_loss":0,"val_loss":-1,"expert_load":[]}"#,
    ]
    for text in texts {
      for width in [240.0, 360, 760, 2000] {
        let svg = try Figure([try Logs.history(text)]).svg(width: width)
        #expect(!svg.contains("nan") && !svg.contains("inf"))
        try checkXML(svg)
      }
    }
  }

  @Test func manyRunsAreToldApart() throws {
    let runs = try (0..<24).map {
      try Logs.history(Logs.plain([3, 2 + Double($0) / 10]), "run \($0)")
    }
    let svg = try Figure(runs).svg()
    try checkXML(svg)
    let styles = svg.matches(of: /class="line(\d)"[^>]*stroke-width="2.4"[^>]*>/).map { match in
      String(match.output.0.replacing(/stroke-width="[^"]*"/, with: ""))
    }
    #expect(Set(styles).count == 24)
  }

  /// A dead expert has a colour of its own, in one run of cells for the steps that it lasts.
  @Test func aDeadExpertIsSeen() throws {
    let run = try Logs.history(Logs.full())
    let panel = try #require(LoadPanel(run, columns: 100))
    #expect(panel.loads.last?[1] == [0, 2, 1, 1])
    #expect(panel.edges == [0, 100, 200, 300, 400, 500], "each of the steps before its record")
    let svg = try Figure([run]).svg()
    let dead = svg.matches(of: /<path d="([^"]*)" class="dead"/).map(\.output.1)
    #expect(dead.count == 1)
    #expect(dead.first?.filter { $0 == "M" }.count == 1)
  }

  @Test func longRunsAreAveraged() throws {
    let run = try Logs.history(Logs.full(records: 9))
    let panel = try #require(LoadPanel(run, columns: 3))
    #expect(panel.steps == [0...300, 300...600, 600...800])
    #expect(panel.loads[0][1].map { ($0 * 1000).rounded() } == [267, 1733, 1000, 1000])
  }

  @Test func everyTextCanBeRead() {
    func luminance(_ colour: String) -> Double {
      let value = Int(colour.dropFirst(), radix: 16) ?? 0
      let channels = [value >> 16, value >> 8 & 255, value & 255].map { channel -> Double in
        let share = Double(channel) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    }
    func contrast(_ one: String, _ other: String) -> Double {
      let pair = [luminance(one), luminance(other)].sorted()
      return (pair[1] + 0.05) / (pair[0] + 0.05)
    }
    for paint in [Palette.ink, Palette.muted] + (0..<Palette.hueCount).map(Palette.text) {
      #expect(contrast(paint.light, Palette.background.light) >= 4.5, "\(paint)")
      #expect(contrast(paint.dark, Palette.background.dark) >= 4.5, "\(paint)")
    }
  }

  private func checkXML(_ svg: String) throws {
    let path = try ModelFixture.folder() + "/chart.svg"
    try Data(svg.utf8).write(to: URL(fileURLWithPath: path))
    let parse = "import sys, xml.dom.minidom as d; d.parse(sys.argv[1])"
    let parser = try Command.shell(
      #"command -v python3 > /dev/null || exit 0; python3 -c "$@""#, [parse, path])
    #expect(parser.status == 0, "not XML: \(parser.errors)")
  }
}
