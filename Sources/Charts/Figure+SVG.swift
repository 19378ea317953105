import Foundation

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
      let losses = Part.allCases.map { part in
        let ends = [first, last].map { String(format: "%.3f", $0.loss(part, options.unit)) }
        return "\(part.name) \(options.unit == .bits ? "bits per character" : "loss") "
          + "from \(ends[0]) to \(ends[1])"
      }
      return "\(run.label): \(losses.joined(separator: ", ")), steps \(grouped(first.step)) to "
        + "\(grouped(last.step))."
    }
    let points = references.map { "\($0.label): \($0.points.count) points to compare with." }
    return (runs + points).joined(separator: " ")
  }

  // MARK: - Table

  /// Markdown: losses of all, `training / validation`, at the steps that the last one has and any
  /// other shares; of a single run at all its steps.
  public var table: String {
    typealias Row = [Int: (Double, Double)]
    let columns: [(String, Row)] =
      runs.map { run in
        (run.label, Dictionary(uniqueKeysWithValues: run.records.map {
          ($0.step, ($0.loss(.training, options.unit), $0.loss(.validation, options.unit)))
        }))
      }
      + references.map { reference in
        (reference.label, Dictionary(uniqueKeysWithValues: reference.points.map {
          ($0.step, ($0.loss(.training, options.unit), $0.loss(.validation, options.unit)))
        }))
      }
    let last = columns.last?.1 ?? [:]
    let steps = last.keys.sorted().filter { step in
      columns.count == 1 || columns.dropLast().contains { $0.1[step] != nil }
    }
    let rows = steps.map { step in
      columns.map { _, row in
        row[step].map { String(format: "%.4f / %.4f", $0.0, $0.1) } ?? ""
      }
    }
    let heading = "| step | " + columns.map { Self.cell($0.0) }.joined(separator: " | ") + " |"
    let rule = "|---|" + String(repeating: "---|", count: columns.count)
    return ([heading, rule]
      + zip(steps, rows).map { "| \(grouped($0)) | \($1.joined(separator: " | ")) |" })
      .joined(separator: "\n") + "\n"
  }

  private static func cell(_ text: String) -> String {
    text.replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "\n", with: " ")
  }
}
