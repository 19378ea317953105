import Foundation
import ModelFixtures
import Testing

@testable import Search

/// The page of a study, as text and in a browser.
@Suite(.serialized) struct SearchPageTests {
  /// A study with trials of every state, and names as nobody should give them.
  private func page(_ objectives: [StudyPlan.Objective] = [.loss, .flops]) throws -> String {
    var bench = try Bench(
      ["experts=2..16", "chosen=1..4", "rate=1e-4..1e-2:log", "gate=a,b"], objectives: objectives,
      fails: 8)
    bench.options.budget = Budget(trials: 24)
    bench.options.most = 14_000_000
    bench.plan.model = "</script><b>"
    let study = try bench.run(pruner: objectives.count == 1 ? MedianPruner(warmup: 20) : nil)
    #expect(study.trials.contains { $0.result?.state == .failed })
    #expect(study.trials.contains { $0.result?.state == .refused })
    let best = try #require(study.best).number
    return try SearchPage(
      study, bench.space, importances: ["rate": 0.8, "chosen": 0.15, "experts": 0.05],
      loads: [best: [("router 0", [0.5, 0.25, 0.25])]], commands: "moec compile <model>"
    ).html()
  }

  @Test func isTheSameEachTimeAndHoldsNobodysMarkup() throws {
    let page = try page()
    #expect(try page == self.page())
    #expect(!page.contains("<b>") && !page.contains("compile <model>"))
    #expect(page.contains("8 is no number of experts"))
    let data = try #require(page.firstMatch(of: /id="search">(.*?)<\/script>/)).output.1
    let facts = try #require(
      try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any])
    #expect((facts["trials"] as? [Any])?.count == 24)
    #expect((facts["objectives"] as? [String]) == ["val loss", "flops/token"])
    #expect((facts["front"] as? [Int])?.isEmpty == false)
  }

  @Test(.enabled(if: Browser.path != nil, "\(Browser.absence)"), arguments: [1, 2])
  func aBrowserShowsAllOfIt(objectives: Int) throws {
    let script = """
      setTimeout(() => {
        const results = [];
        const check = (name, holds, detail) => results.push((holds ? "ok " : "FAILED ") + name + ": " + detail);
        const all = (selector) => [...document.querySelectorAll(selector)];
        const complete = pageData("search").trials.filter((trial) => trial.results.length > 0).length;
        try {
          check("history", all("#history circle").length === 24, all("#history circle").length);
          check("lines", all("#parallel path.trial").length === complete, complete);
          check("importances", all("#importances rect").length === 3, "");
          check("front", all("#front circle").length === (\(objectives) > 1 ? complete : 0), all("#front circle").length);
          check("loads", all("#loads li").length === 3, all("#loads li").length);
          const row = all("tr[data-trial]").at(-1);
          row.click();
          check("a trial that is pointed at", document.getElementById("facts").textContent.startsWith("Trial " + row.dataset.trial + ","), "");
          check("is marked everywhere", all("[data-trial].current").length >= 2, all("[data-trial].current").length);
          const marks = all("svg text, svg circle, svg path");
          check("places are numbers", marks.every((mark) => !mark.outerHTML.includes("NaN")), "");
          check("no wider than the window", document.documentElement.scrollWidth <= innerWidth, document.documentElement.scrollWidth);
        } catch (error) { results.push("FAILED " + error.stack); }
        results.push(...window.seenErrors.map((error) => "FAILED " + error));
        document.body.insertAdjacentHTML("beforeend", '<pre id="results"></pre>');
        document.getElementById("results").textContent = results.join("\\n");
        parent.postMessage(results.join("\\n"), "*");
      }, 200);
      """
    let page = try Browser.write(
      page(objectives == 1 ? [.loss] : [.loss, .flops]), adding: script)
    for shown in [page, try Browser.framed(page)] {
      let results = try Browser.text(of: "results", in: shown).split(separator: "\n")
      #expect(results.count == 9)
      #expect(results.allSatisfy { $0.hasPrefix("ok ") }, "\(results.joined(separator: "\n"))")
    }
  }
}
