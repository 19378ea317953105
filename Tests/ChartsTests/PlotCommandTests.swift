import Foundation
import ModelFixtures
import Testing

@testable import Charts

private let hasRasterizer = (try? Command.shell("command -v rsvg-convert"))?.status == 0
private let browser = try? Command.shell("command -v chromium || command -v chromium-browser")
  .output.trimmingCharacters(in: .whitespacesAndNewlines)

/// `moec plot`, from files to files.
@Suite struct PlotCommandTests {
  private let folder = Result { () throws -> String in
    let folder = try ModelFixture.folder()
    for (name, text) in [
      ("a.jsonl", Logs.full()), ("b.jsonl", Logs.plain([3, 2.5, 2])), ("p.csv", Logs.reference),
      ("going.jsonl", Logs.plain([3, 2.5]) + #"{"step":200,"tr"#),
      ("words.jsonl", Logs.subwords([6, 4], charactersPerToken: 2.5)), ("empty.jsonl", ""),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return folder
  }

  private func plot(_ arguments: [String]) throws -> Command {
    try Command.moec(["plot"] + arguments, in: folder.get())
  }

  private func contents(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: folder.get() + "/" + name))
  }

  @Test func writesAPictureThatIsAlwaysTheSame() throws {
    let arguments = [
      "a.jsonl", "b.jsonl", "--reference", "p.csv", "--label", "one & only", "--label", "two",
      "--title", "Runs", "--log-scale", "--table",
    ]
    let command = try plot(arguments + ["-o", "runs.svg"])
    #expect(command.status == 0, "\(command.errors)")
    #expect(command.errors == "wrote runs.svg\n")
    #expect(command.output.hasPrefix("| step | one & only | two | p |\n|---|---|---|---|\n"))
    let svg = String(decoding: try contents("runs.svg"), as: UTF8.self)
    #expect(svg.contains(">Runs</text>") && svg.contains(">one &amp; only</text>"))
    #expect(try plot(arguments + ["-o", "again.svg"]).status == 0)
    #expect(try contents("again.svg") == contents("runs.svg"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.get())
    #expect(!left.contains { $0.hasSuffix(".tmp") })
  }

  @Test func aRunThatStillGoesIsDrawn() throws {
    let command = try plot(["going.jsonl", "-o", "going.svg"])
    #expect(command.status == 0)
    #expect(
      command.errors
        == "note: going.jsonl ends within line 3, which is left out\nwrote going.svg\n")
  }

  @Test(.enabled(if: hasRasterizer, "there is no rsvg-convert"))
  func writesPixels() throws {
    let command = try plot(["a.jsonl", "-o", "a.PNG"])
    #expect(command.status == 0, "\(command.errors)")
    let png = try contents("a.PNG")
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // The width, in the header: two pixels for each unit of the SVG.
    #expect(png[16..<20].reduce(0) { $0 << 8 | Int($1) } == 1520)
  }

  @Test func saysWhatMakesPixels() throws {
    let command = try Command.shell(
      #"PATH=/nowhere; "$0" plot a.jsonl -o a.png"#, [], in: folder.get())
    #expect(command.status == 1)
    #expect(
      command.errors == """
        error: no program is there that makes a PNG of an SVG
        hint: install librsvg2-bin, whose rsvg-convert does it, or write .svg

        """)
    #expect(throws: (any Error).self) { try contents("a.png") }
  }

  @Test func saysThatAProgramFailed() throws {
    let command = try Command.shell(
      #"""
      mkdir tools && printf '#!/bin/sh\nexit 3\n' > tools/rsvg-convert && chmod +x tools/*
      PATH=$PWD/tools; "$0" plot a.jsonl -o a.png
      """#, [], in: folder.get())
    #expect(command.status == 1)
    #expect(command.errors.hasPrefix("error: rsvg-convert made no PNG of the SVG\nhint: "))
  }

  @Test(arguments: [
    (["missing.jsonl", "-o", "x.svg"], "error: cannot read missing.jsonl: No such file"),
    ([".", "-o", "x.svg"], "error: cannot read .: Is a directory"),
    (["empty.jsonl", "-o", "x.svg"], "error: empty.jsonl holds no losses"),
    (["p.csv", "-o", "x.svg"], "error: p.csv:1: not a line of a training log"),
    (["a.jsonl", "-o", "x.pdf"], "error: no way to write .pdf: x.pdf"),
    (["a.jsonl", "-o", "x"], "error: x has no ending that says what to write"),
    (["a.jsonl", "-o", "no/x.svg"], "error: cannot write no/x.svg: No such file"),
    (["b.jsonl", "-o", "x.svg", "--panel", "loads"], "error: b.jsonl: no \"expert_load\""),
    (["b.jsonl", "words.jsonl", "-o", "x.svg"], "error: losses of b.jsonl and words.jsonl do not"),
    (["b.jsonl", "--reference", "b.jsonl", "-o", "x.svg"], "error: b.jsonl:1: expected step"),
  ])
  func everyErrorIsOneLineAndAHint(arguments: [String], message: String) throws {
    let command = try plot(arguments)
    #expect(command.status == 1)
    let lines = command.errors.split(separator: "\n")
    #expect(command.errors.hasPrefix(message), "\(command.errors)")
    #expect(lines.count == 2 && lines[1].hasPrefix("hint: "), "\(command.errors)")
    #expect(throws: (any Error).self) { try contents("x.svg") }
  }

  @Test func wrongUseIsSaid() throws {
    let command = try plot(["a.jsonl", "--label", "x", "--label", "y", "-o", "x.svg"])
    #expect(command.status == 64)
    #expect(command.errors.contains("there are 2 --label for 1 file"))
    #expect(try plot(["a.jsonl", "-o", "x.svg", "--panel", "all"]).status == 64)
    #expect(try plot(["-o", "x.svg"]).status == 64)
  }

  @Test func aPageIsSelfContained() throws {
    let command = try plot(["a.jsonl", "b.jsonl", "-o", "runs.html", "--title", "Runs"])
    #expect(command.status == 0, "\(command.errors)")
    let page = String(decoding: try contents("runs.html"), as: UTF8.self)
    #expect(page.hasPrefix("<!DOCTYPE html>"))
    let links = page.matches(of: /(?:src|href)="([^"]*)"/).map { String($0.output.1) }
    #expect(links.allSatisfy { $0.hasPrefix("data:") })
    let addresses = page.matches(of: /https?:\/\/[^"' ]*/).map { String($0.output) }
    #expect(Set(addresses) == ["http://www.w3.org/2000/svg"])
  }

  /// In a real browser: what is under the pointer, and what arrow keys lead to.
  @Test(.enabled(if: browser?.isEmpty == false, "there is no chromium"))
  func valuesAreShownUnderThePointer() throws {
    #expect(try plot(["a.jsonl", "b.jsonl", "-o", "runs.html"]).status == 0)
    var page = String(decoding: try contents("runs.html"), as: UTF8.self)
    let script = """
      <script>
      const chart = document.querySelector(".wide");
      const box = chart.querySelector("svg").getBoundingClientRect();
      const results = [];
      const read = () => results.push(document.getElementById("readout").innerText);
      const cells = chart.querySelector(".dead").getBoundingClientRect();
      const at = (x, y) => {
        chart.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y }));
        read();
      };
      at(box.left + 1, box.top + 80);
      const dead = chart.querySelector("path.dead").getBoundingClientRect();
      at(dead.right - 1, dead.top + 2);
      chart.focus();
      for (const key of ["Home", "ArrowRight"]) {
        chart.dispatchEvent(new KeyboardEvent("keydown", { key }));
      }
      read();
      document.body.dataset.results = JSON.stringify(results);
      </script></body>
      """
    page = page.replacing("</body>", with: script)
    let path = try folder.get() + "/probe.html"
    try Data(page.utf8).write(to: URL(fileURLWithPath: path))
    let dom = try Command.shell(
      #"timeout 60 "$1" --headless=new --no-sandbox --disable-gpu --window-size=1000,1400 "#
        + #"--virtual-time-budget=2000 --dump-dom "file://$2""#, [try #require(browser), path])
    let results = try #require(dom.output.firstMatch(of: /data-results="([^"]*)"/)?.output.1)
    #expect(results.contains("step 0"))
    #expect(results.contains("a, training\\t4.000"))
    #expect(results.contains("b, validation\\t3.250"))
    #expect(results.contains("layer 1, expert 0\\nno token"))
    #expect(results.contains("step 100\\n"))
  }
}
