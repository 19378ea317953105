import CPages
import Foundation
import Page

/// A study as one self-contained page.
public struct SearchPage {
  /// What experts of a trial were given at its end: a layer's name, and each expert's share.
  public typealias Loads = [(layer: String, shares: [Double])]

  private let study: Study
  private let space: SearchSpace
  private let importances: [String: Double]
  private let loads: [Int: Loads]
  private let commands: String

  /// - Parameters:
  ///   - importances: the share of each parameter in what matters; empty where nobody can say.
  ///   - loads: by a trial's number.
  ///   - commands: what compiles and trains the best.
  public init(
    _ study: Study, _ space: SearchSpace, importances: [String: Double], loads: [Int: Loads],
    commands: String
  ) {
    (self.study, self.space, self.importances) = (study, space, importances)
    (self.loads, self.commands) = (loads, commands)
  }

  private var table: StudyTable { StudyTable(study, space) }
  private var objectives: [StudyPlan.Objective] { study.plan?.objectives ?? [.loss] }

  /// The document; the same study gives the same bytes.
  public func html() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let facts = SearchFacts(study, space, StudyTable.ordered(importances), loads)
    return Page(
      title: "Search of \(study.plan?.model ?? "a model")",
      subtitle: HTML.escaped(table.counts), body: body,
      styles: [String(cString: search_css())],
      scripts: [String(cString: search_plots_js()), String(cString: search_js())],
      data: [
        .init(name: "search", json: String(decoding: try encoder.encode(facts), as: UTF8.self))
      ]
    ).html
  }

  private var body: String {
    let best = study.best.map { trial in
      let result = objectives.first.map { StudyTable.text(trial.value ?? 0, $0) } ?? ""
      return "<p><strong>Trial \(trial.number)</strong> is the best: \(HTML.escaped(result)) with "
        + "\(HTML.escaped(space.text(of: trial.values))).</p>"
    }
    let sections = [
      section("history", "History", best ?? "<p>No trial is complete.</p>"),
      objectives.count > 1
        ? section(
          "front", "Pareto front",
          "<p>On the line: trials that no other one beats in both objectives.</p>")
        : importanceSection,
      section(
        "parallel", "Parameters",
        "<p>A line for each complete trial, the best in warm colours. Point at one to see it everywhere.</p>",
        isWide: true),
      section("curves", "Training", "<p>Validation loss against steps.</p>"), trialSection,
      objectives.count > 1 ? importanceSection : "", commandSection, tableSection,
    ]
    return "<main class=\"search\">\n\(sections.joined(separator: "\n"))\n</main>"
  }

  private func section(
    _ id: String, _ title: String, _ text: String, isWide: Bool = false
  ) -> String {
    """
    <section\(isWide ? " class=\"wide\"" : "") aria-labelledby="\(id)-title">
    <h2 id="\(id)-title">\(title)</h2>
    \(text)
    <div id="\(id)"></div>
    </section>
    """
  }

  private var importanceSection: String {
    let text =
      importances.isEmpty
      ? "Optuna says so where there are enough trials."
      : "The share of each parameter in what made trials differ."
    return section(
      "importances", "What matters", "<p>\(text)</p>", isWide: objectives.count > 1)
  }

  private var trialSection: String {
    """
    <section aria-labelledby="trial-title">
    <h2 id="trial-title">The trial pointed at</h2>
    <p class="facts" id="facts" aria-live="polite"></p>
    <div class="loads" id="loads"></div>
    <p id="no-loads" hidden>Nothing is known of loads of experts.</p>
    </section>
    """
  }

  private var commandSection: String {
    guard !commands.isEmpty else { return "" }
    return """
      <section class="wide" aria-labelledby="command-title">
      <h2 id="command-title">The best, trained in full</h2>
      <pre>\(HTML.escaped(commands))</pre>
      </section>
      """
  }

  private var tableSection: String {
    let order = study.ranking + study.trials.filter { !$0.isComplete }
    let names = space.dimensions.map(\.name)
    let head = (["trial", "state"] + objectives.map(\.title) + names + ["seconds", ""]).map {
      HTML.element("th", HTML.escaped($0))
    }
    let rows = order.map { trial in
      let result = trial.result
      let results = objectives.enumerated().map { index, objective in
        result.flatMap {
          $0.values.count > index ? StudyTable.text($0.values[index], objective) : nil
        }
          ?? (objective == .loss ? result?.loss.map { String(format: "%.4f", $0) } : nil) ?? ""
      }
      let values = names.map { trial.values[$0].map(\.description) ?? "" }
      let cells =
        ["\(trial.number)", result?.state.rawValue ?? "not over"] + results + values
        + [result.map { String(format: "%.1f", $0.seconds) } ?? ""]
      let note = result?.note ?? result?.copied.map { "as trial \($0)" } ?? ""
      return "<tr data-trial=\"\(trial.number)\">"
        + cells.map { HTML.element("td", HTML.escaped($0)) }.joined()
        + HTML.element("td", ["class": "note"], HTML.escaped(note)) + "</tr>"
    }
    return """
      <section class="wide" aria-labelledby="table-title">
      <h2 id="table-title">All trials</h2>
      <div class="table"><table><thead><tr>\(head.joined())</tr></thead>
      <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>
      </section>
      """
  }
}
