import CPages
import Foundation
import Page
import Words

extension Figure {
  /// A self-contained HTML page: the picture in two forms, of which a screen shows one, as wide as the
  /// window, values under the pointer or by arrow keys, steps to zoom into, runs to hide, and all
  /// losses as a table.
  ///
  /// - Parameter reload: seconds after which the page loads itself again, as its file may have been
  ///   written anew; what is zoomed into and hidden stays so.
  public func page(reload: Double? = nil) throws -> String {
    let layouts = [("wide", 900.0), ("narrow", 360.0)].map { name, width in
      (name, FigureLayout(self, width: width, hasTitle: false))
    }
    let pictures = layouts.map { name, layout in
      HTML.element(
        "div", ["class": "chart \(name)", "tabindex": "0", "data-layout": name],
        picture(layout, name: name, isAlone: false))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = PageData(
      layouts: Dictionary(uniqueKeysWithValues: layouts.map { ($0, PageData.Layout($1)) }),
      last: Int(layouts[0].1.steps.high), panels: pagePanels, reload: reload)
    let page = Page(
      title: options.title ?? "Losses",
      subtitle: HTML.escaped(runs.map(\.label).joined(separator: ", ")),
      body: """
        <main>
        <figure class="figure" id="figure">
        \(pictures.joined(separator: "\n"))
        <div class="readout" id="readout" role="status" aria-live="polite" hidden></div>
        </figure>
        <p class="hint"><button type="button" id="reset" hidden>All steps</button>
        Point at the chart, or focus it and use the arrow keys, to read values. Drag over steps, or
        press <kbd>+</kbd> <kbd>−</kbd> or Ctrl and the wheel, to zoom; <kbd>0</kbd> or a double
        click shows all.\(runs.count + references.count > 1 ? " Click a name above to hide it." : "")</p>
        <details><summary>All losses</summary><div class="table">\(htmlTable)</div></details>
        </main>
        """,
      styles: [String(cString: chart_css()), Palette.pageStyle],
      scripts: [String(cString: chart_view_js()), String(cString: chart_js())],
      data: [.init(name: "chart", json: String(decoding: try encoder.encode(data), as: UTF8.self))])
    return page.html
  }

  private var htmlTable: String {
    let unit = options.unit == .bits ? "bits per character" : "loss"
    let heading = runs.flatMap { run in
      run.parts.map { "<th>\(HTML.escaped(run.label)), \($0.name) \(unit)</th>" }
    }
    let records = runs.map { run in
      Dictionary(uniqueKeysWithValues: run.records.map { ($0.step, $0) })
    }
    let steps = Set(records.flatMap(\.keys)).sorted()
    let rows = steps.map { step in
      let cells = zip(runs, records).flatMap { run, records in
        run.parts.map { part in
          records[step]?.loss(part, options.unit).map { String(format: "<td>%.4f</td>", $0) }
            ?? "<td></td>"
        }
      }
      return "<tr><th>\(step.grouped)</th>\(cells.joined())</tr>"
    }
    return "<table><thead><tr><th>step</th>\(heading.joined())</tr></thead>"
      + "<tbody>\(rows.joined(separator: "\n"))</tbody></table>"
  }

  private var pagePanels: [PageData.Panel] {
    panels.flatMap { panel -> [PageData.Panel] in
      if let lines = linePanel(panel, isNarrow: false) {
        let dots = lines.dots.map { dots in
          PageData.Series(
            label: "\(dots.label), \(dots.isFilled ? "validation" : "training")", run: dots.hue,
            isExact: true, points: dots.points, lines.format)
        }
        let curves = lines.curves.map { curve in
          PageData.Series(
            label: ([curve.label] + (curve.part.map { [$0.name] } ?? [])).joined(separator: ", "),
            run: curve.hue, isExact: false, points: curve.points, lines.format)
        }
        return [.init(series: curves + dots, axis: .init(lines.axis))]
      }
      return runs.enumerated().compactMap { index, run in
        LoadPanel(run, columns: 420).map { .init(loads: PageData.Loads($0), run: index) }
      }
    }
  }
}

/// What the page's script reads.
private struct PageData: Encodable {
  var layouts: [String: Layout]
  /// The step at the right end.
  var last: Int
  var panels: [Panel]
  var reload: Double?

  struct Layout: Encodable {
    var width: Double
    var left: Double
    var right: Double
    var panels: [FigureLayout.Place]

    init(_ layout: FigureLayout) {
      (width, left, right) = (layout.width, layout.left, layout.right)
      panels = layout.places
    }
  }

  struct Panel: Encodable {
    var series: [Series]?
    var axis: Axis?
    var loads: Loads?
    var run: Int?
  }

  struct Axis: Encodable {
    var low: Double
    var high: Double
    var isLogarithmic: Bool

    init(_ axis: ValueAxis) {
      (low, high, isLogarithmic) = (axis.low, axis.high, axis.isLogarithmic)
    }
  }

  struct Series: Encodable {
    var label: String
    /// The run's number, then the reference's.
    var run: Int
    var hue: Int
    /// Points that say nothing about the steps between them.
    var isExact: Bool
    var steps: [Int]
    var values: [String]
    /// The same as numbers, of six digits.
    var numbers: [Double]

    init(
      label: String, run: Int, isExact: Bool, points: [(step: Int, value: Double)],
      _ format: (Double) -> String
    ) {
      self.label = label
      self.run = run
      hue = run % Palette.hueCount
      self.isExact = isExact
      steps = points.map(\.step)
      values = points.map { format($0.value) }
      numbers = points.map { Double(String(format: "%.6g", $0.value)) ?? 0 }
    }
  }

  struct Loads: Encodable {
    var label: String
    /// The step before each column, and its last.
    var steps: [[Int]]
    var experts: [Int]
    var rowHeight: Double
    var gap = LoadPanel.gap
    /// Column, layer, expert: percent of the fair share.
    var loads: [[[Int]]]

    init(_ panel: LoadPanel) {
      label = panel.label
      steps = panel.steps.map { [$0.lowerBound, $0.upperBound] }
      experts = panel.experts
      rowHeight = panel.rowHeight
      loads = panel.loads.map { $0.map { $0.map { Int(($0 * 100).rounded()) } } }
    }
  }
}
