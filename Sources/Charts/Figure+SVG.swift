import Foundation
import Words

extension Figure {
  /// The picture as a file of its own: light, or dark where the reader prefers that.
  ///
  /// The same logs and options give the same bytes.
  public func svg(width: Double = 760) -> String {
    picture(FigureLayout(self, width: width), name: "chart", isAlone: true) + "\n"
  }

  /// An SVG element; in a page, the page's style sheet colours it.
  func picture(_ layout: FigureLayout, name: String, isAlone: Bool) -> String {
    let canvas = layout.canvas
    let size = "\(canvas.number(layout.width)) \(canvas.number(layout.height))"
    let drawing = canvas.elements.joined(separator: "\n")
    var background = SVGCanvas()
    background.rectangle(0, 0, layout.width, layout.height, Palette.background)
    let sheet = background.elements[0]
    let body = isAlone ? [Palette.darkStyle(for: sheet + drawing), sheet, drawing] : [drawing]
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" role="img" \
      aria-labelledby="\(name)-title \(name)-description" font-family="Helvetica, Arial, \
      'Liberation Sans', 'DejaVu Sans', sans-serif" font-size="12"\
      \(isAlone ? " width=\"\(canvas.number(layout.width))\"" : "")>
      <title id="\(name)-title">\(escaped(options.title ?? defaultTitle))</title>
      <desc id="\(name)-description">\(escaped(summary))</desc>
      \(body.joined(separator: "\n"))
      </svg>
      """
  }

  var defaultTitle: String {
    "Losses of \(runs.map(\.label).joined(separator: ", ")) against steps"
  }

  /// The picture in words.
  var summary: String {
    let runs = runs.map { run in
      guard let first = run.records.first, let last = run.records.last else { return run.label }
      let losses = run.parts.compactMap { part -> String? in
        let ends = [first, last].compactMap { $0.loss(part, options.unit) }
          .map { String(format: "%.3f", $0) }
        guard ends.count == 2 else { return nil }
        return "\(part.name) \(options.unit == .bits ? "bits per character" : "loss") "
          + "from \(ends[0]) to \(ends[1])"
      }
      return "\(run.label): \(losses.joined(separator: ", ")), steps \(first.step.grouped) to "
        + "\(last.step.grouped)."
    }
    let points = references.map { "\($0.label): \($0.points.count) points to compare with." }
    return (runs + points).joined(separator: " ")
  }

  // MARK: - Table

  /// Markdown: losses of all, `training / validation`, and behind that of averaged weights, at the steps that the last one has and any
  /// other shares; of a single run at all its steps.
  public var table: String {
    let columns = self.columns
    let last = columns.last?.losses ?? [:]
    let steps = last.keys.sorted().filter { step in
      columns.count == 1 || columns.dropLast().contains { $0.losses[step] != nil }
    }
    let heading = "| step | " + columns.map { Self.cell($0.label) }.joined(separator: " | ") + " |"
    let rule = "|---|" + String(repeating: "---|", count: columns.count)
    let rows = steps.map { step in
      let cells = columns.map { $0.losses[step] ?? "" }
      return "| \(step.grouped) | \(cells.joined(separator: " | ")) |"
    }
    return ([heading, rule] + rows).joined(separator: "\n") + "\n"
  }

  private struct Column {
    var label: String
    /// By step, `training / validation`, or `training / validation / average`.
    var losses: [Int: String] = [:]

    mutating func add(_ step: Int, _ loss: (Part) -> Double?) {
      losses[step] = Part.allCases.compactMap { loss($0).map { String(format: "%.4f", $0) } }
        .joined(separator: " / ")
    }
  }

  private var columns: [Column] {
    let ofRuns = runs.map { run in
      run.records.reduce(into: Column(label: run.label)) { column, record in
        column.add(record.step) { record.loss($0, options.unit) }
      }
    }
    let ofReferences = references.map { reference in
      reference.points.reduce(into: Column(label: reference.label)) { column, point in
        column.add(point.step) { point.loss($0, options.unit) }
      }
    }
    return ofRuns + ofReferences
  }

  private static func cell(_ text: String) -> String {
    text.replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "\n", with: " ")
  }
}
