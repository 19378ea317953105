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
    let note = "note: going.jsonl ends within line 3, which is left out"
    #expect(command.errors == "\(note)\nwrote going.svg\n")
  }

  @Test(.enabled(if: hasRasterizer, "there is no rsvg-convert"))
  func writesPixels() throws {
    for name in ["a.svg", "a.PNG"] { #expect(try plot(["a.jsonl", "-o", name]).status == 0) }
    let png = try contents("a.PNG")
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // The width, in the header: two pixels for each unit of the SVG.
    #expect(png[16..<20].reduce(0) { $0 << 8 | Int($1) } == 1520)
    let again = #""$0" plot a.jsonl -o a.PNG; rsvg-convert a.svg >b.png; "$0" plot a.jsonl -o "#
    let other = try Command.shell(again + "b.png", [], in: folder.get())
    #expect(other.status == 1 && other.errors.contains("not a picture of moec's"), "\(other)")
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
    ([".", "-o", "x.svg"], "error: no run in . has a log"),
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
    #expect(try plot(["a.jsonl"]).errors.contains("say what to write"))
    #expect(try plot(["a.jsonl", "--watch", "--table"]).status == 64)
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

  /// A log that comes to be and grows: the page follows, loads itself again, and when the watch is
  /// stopped stays as it is.
  @Test func aWatchedPageFollowsItsLog() throws {
    let script = #"""
      cd "$1" && rm -f live.jsonl live.html
      "$0" plot live.jsonl --watch 2> live.errors & watch=$!
      until grep -q waiting live.errors; do sleep 0.1; done
      record() { echo "{\"step\":$1,\"train_loss\":$2,\"val_loss\":$2,\"seconds\":1,\"tokens\":1}"; }
      shown() { n=0; until grep -q "$1" live.html 2> /dev/null; do
        sleep 0.1; n=$((n + 1)); [ $n -lt 300 ] || { echo "no $1"; break; }; done; }
      record 0 4 > live.jsonl
      shown '<td>4.0000</td>'; cp live.html first.html
      printf '%s' "$(record 100 3.5 | cut -c1-20)" >> live.jsonl
      sleep 1.2; grep -c '<td>3.5000</td>' live.html
      record 100 3.5 | cut -c21- >> live.jsonl
      shown '<td>3.5000</td>'
      echo nonsense >> live.jsonl; until grep -q note live.errors; do sleep 0.1; done
      sed -i '$d' live.jsonl; record 200 3.25 >> live.jsonl
      shown '<td>3.2500</td>'
      kill -INT $watch; wait $watch; echo "status $?"
      grep -c '"reload"' first.html live.html; cat live.errors
      """#
    let result = try Command.shell(script, [folder.get()])
    let expected = """
      0
      status 0
      first.html:1
      live.html:0
      waiting for live.jsonl
      wrote live.html; Ctrl-C ends
      note: live.jsonl:3: not a line of a training log: it is no JSON object; the drawing stays as it was

      """
    #expect(result.output == expected, "\(result.errors)")
  }

  /// In a real browser: zooming by all ways, hiding runs, and the width of the window.
  @Test(
    .enabled(if: browser?.isEmpty == false, "there is no chromium"), arguments: [1500, 1000, 500])
  func aPageIsZoomedAndRunsAreHidden(width: Int) throws {
    #expect(try plot(["a.jsonl", "b.jsonl", "-o", "zoom\(width).html"]).status == 0)
    let results = try results(
      ofPage: "zoom\(width).html", width: width,
      script: #"""
        const chart = [...document.querySelectorAll(".chart")].find((chart) => chart.clientWidth);
        const svg = chart.querySelector("svg");
        const check = (name, holds, detail) => results.push(holds ? "ok" : "FAILED " + name + " " + detail);
        const steps = () => [...svg.querySelector(".g-steps").querySelectorAll("text")].map((t) => t.textContent).join(" ");
        const values = () => [...svg.querySelector(".g-grid").querySelectorAll("text")].map((t) => t.textContent).join(" ");
        const line = svg.querySelector(".g-data path");
        const key = (key) => chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        const spread = () => { const box = line.getBoundingClientRect(); return box.width; };
        check("width", Math.abs(svg.getBoundingClientRect().width - (innerWidth - (innerWidth > 600 ? 42 : 22))) < 20, svg.getBoundingClientRect().width);
        check("scale", Math.abs(svg.viewBox.baseVal.width - svg.clientWidth) < 2 || innerWidth < 380, svg.viewBox.baseVal.width);
        check("overflow", document.documentElement.scrollWidth <= innerWidth, document.documentElement.scrollWidth);
        const start = [steps(), values(), spread()].join("|");
        chartView.zoom(50, 100);
        check("zoom", steps().split(" ").every((step) => step >= 50) && steps().endsWith("100"), steps());
        check("values follow", values() !== start.split("|")[1], values());
        check("lines follow", spread() > 1.8 * Number(start.split("|")[2]), spread());
        check("a way back", !document.getElementById("reset").hidden, "");
        check("labels at old ends are gone", [...svg.querySelectorAll(".g-ends")].every((g) => g.style.display === "none"), "");
        document.getElementById("reset").click();
        check("reset", [steps(), values(), spread()].join("|") === start, steps());
        chart.focus();
        key("Home"); key("+");
        check("plus", chartView.to < pageData("chart").last, chartView.to);
        key("0");
        check("nought", chartView.to === pageData("chart").last, chartView.to);
        const box = svg.getBoundingClientRect();
        const send = (kind, share, more) => chart.dispatchEvent(new (kind === "wheel" ? WheelEvent : PointerEvent)(kind,
          { clientX: box.left + share * box.width, clientY: box.top + 90, button: 0, bubbles: true, cancelable: true, ...more }));
        send("wheel", 0.5, { deltaY: -100 });
        check("the wheel alone scrolls the page", chartView.from === 0, chartView.from);
        send("wheel", 0.5, { deltaY: -100, ctrlKey: true });
        check("wheel", chartView.from > 0 && chartView.to < pageData("chart").last, chartView.from);
        send("dblclick", 0.5);
        send("pointerdown", 0.4); send("pointermove", 0.6); send("pointerup", 0.6);
        check("drag", chartView.from > 0 && chartView.to < pageData("chart").last, chartView.from + " " + chartView.to);
        chartView.reset();
        const names = [...svg.querySelectorAll(".g-legend")];
        check("names", names.length >= 2, names.length);
        names[0].dispatchEvent(new MouseEvent("click", { bubbles: true }));
        check("hidden", getComputedStyle(line.parentNode).display === "none" && names[0].getAttribute("aria-pressed") === "false", "");
        key("Home");
        const text = document.getElementById("readout").innerText;
        check("not read out", !text.includes("a, training") && text.includes("b, training"), text);
        let kept = "[0]";
        try { kept = JSON.stringify(JSON.parse(sessionStorage.getItem("moec-plot " + location.pathname)).hidden); } catch {}
        check("kept", kept === "[0]", kept);
        names[0].dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
        check("shown again", [steps(), values(), spread()].join("|") === start, values());
        check("no errors", errors.length === 0, errors.join());
        """#)
    #expect(results.count == 20 && results.allSatisfy { $0 == "ok" }, "\(results)")
  }

  /// What a script at the end of a page puts into `results`.
  private func results(ofPage name: String, width: Int, script: String) throws -> [String] {
    let page = String(decoding: try contents(name), as: UTF8.self)
    let probe = """
      <script>
      // Not before the page has found its width.
      setTimeout(() => {
        const results = [];
        try { \(script) } catch (error) { results.push("FAILED " + error.stack); }
        const content = { id: "results", textContent: results.join("\\n") };
        document.body.append(Object.assign(document.createElement("pre"), content));
      }, 300);
      </script></body>
      """
    let ear = """
      <head><script>const errors = [];
      addEventListener("error", (event) => errors.push(event.message));</script>
      """
    let path = try folder.get() + "/probe-\(name)"
    let text = page.replacing("<head>", with: ear).replacing("</body>", with: probe)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let dom = try Command.shell(
      #"timeout 60 "$1" --headless=new --no-sandbox --disable-gpu "--window-size=$3,1400" "#
        + #"--virtual-time-budget=2000 --dump-dom "file://$2""#,
      [try #require(browser), path, "\(width)"])
    let found = dom.output.firstMatch(of: /<pre id="results">([^<]*)<\/pre>/)?.output.1
    return try #require(found, "\(dom.errors)").split(separator: "\n").map(String.init)
  }
}
