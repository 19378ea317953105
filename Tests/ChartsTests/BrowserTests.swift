import Foundation
import ModelFixtures
import Testing

@testable import Charts

/// The page of a plot, and a reader who hides runs.
@Suite(.serialized, .enabled(if: Browser.path != nil, "\(Browser.absence)"))
struct BrowserTests {
  private func results(_ page: String, _ script: String) throws -> [Substring] {
    let whole = """
      setTimeout(() => {
        const results = [];
        const check = (name, holds, detail) => results.push((holds ? "ok " : "FAILED ") + name + ": " + detail);
        const chart = document.querySelector(".chart.wide"), svg = chart.querySelector("svg");
        const panels = () => [...svg.querySelectorAll(".g-panel")].filter((panel) => panel.getBoundingClientRect().height > 0);
        const box = (element) => element.getBoundingClientRect();
        const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        const name = (run) => svg.querySelector(`.g-legend[data-run="${run}"]`);
        const point = (x, y) => {
          chart.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y, bubbles: true }));
          return document.getElementById("readout").textContent;
        };
        try { \(script) } catch (error) { results.push("FAILED " + error.stack); }
        results.push(...window.seenErrors.map((error) => "FAILED " + error));
        document.body.insertAdjacentHTML("beforeend", '<pre id="results"></pre>');
        document.getElementById("results").textContent = results.join("\\n");
      }, 100);
      """
    return try Browser.text(of: "results", in: try Browser.write(page, adding: whole))
      .split(separator: "\n")
  }

  /// Hiding a run takes its loads away, and what is below moves up and is pointed at there.
  @Test func hiddenRunsLeaveNoGap() throws {
    let runs = try ["first", "<b>", "third"].enumerated().map { index, name in
      try Logs.history(Logs.full(records: 6 + index), name)
    }
    let page = try Figure(runs).page()
    let results = try results(
      page,
      """
      const before = panels().length, height = box(svg).height;
      click(name(1));
      check("one panel fewer", panels().length === before - 1, panels().length);
      const shown = panels();
      for (let i = 1; i < shown.length; i++) {
        const gap = box(shown[i]).top - box(shown[i - 1]).bottom;
        check("no gap", gap > -3 && gap < 40, i + " " + gap);
      }
      check("the picture is lower", box(svg).height < height - 60, height + " " + box(svg).height);
      const room = box(svg).bottom - box(shown.at(-1)).bottom;
      check("and ends below the last", room > 0 && room < 60, room);
      const last = box(shown.at(-1));
      const third = point(last.left + last.width / 2, last.top + 30);
      check("the last is pointed at", third.includes("layer 0, expert 0"), third);
      click(name(2));
      check("steps are those of shown runs", chartView.hidden.size === 2, chartView.hidden.size);
      const right = point(box(svg).right - 160, box(panels()[0]).top + 100);
      check("not of hidden ones", right.startsWith("step 500"), right);
      click(name(0));
      check("nothing is pointed at when all are hidden", document.getElementById("readout").hidden || !point(400, 200).includes("NaN"), point(400, 200));
      click(name(0)), click(name(1)), click(name(2));
      check("all are back", panels().length === before && Math.abs(box(svg).height - height) < 1, panels().length);
      """)
    #expect(results.count > 10)
    #expect(results.allSatisfy { $0.hasPrefix("ok ") }, "\(results.joined(separator: "\n"))")
  }
}
