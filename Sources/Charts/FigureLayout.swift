import Words

/// Draws a figure at a width: places its panels below each other, and remembers where.
struct FigureLayout {
  /// Where the parts of a panel are, for a page that shows values under the pointer, and what room the
  /// panel takes with its heading and its steps.
  struct Place: Encodable {
    var top: Double
    var bottom: Double
    var height = 0.0
  }

  let figure: Figure
  let width: Double
  /// Ends of the steps' axis.
  private(set) var left = 0.0
  private(set) var right = 0.0
  private(set) var height = 0.0
  var places: [Place] = []
  var canvas = SVGCanvas()
  let steps: ValueAxis

  /// No room beside the lines: values at their ends go into the legend.
  var isNarrow: Bool { width < 520 }

  static let margin = 14.0
  private static let labelDistance = 14.0
  /// Between the end of a line and its label.
  private static let labelGap = 14.0

  /// Whether the title is part of the picture; a page has it as its heading, and its script works
  /// on the picture.
  private let hasTitle: Bool

  init(_ figure: Figure, width: Double, hasTitle: Bool = true) {
    self.figure = figure
    self.hasTitle = hasTitle
    self.width = width
    canvas.hasGroups = !hasTitle
    let isNarrow = width < 520
    steps = .steps(through: figure.lastStep, count: isNarrow ? 4 : 8)
    let lines = figure.panels.compactMap { figure.linePanel($0, isNarrow: isNarrow) }
    left = Self.leftMargin(lines, figure)
    right = width - (isNarrow ? Self.margin + 6 : rightMargin(lines))
    draw()
  }

  private static func leftMargin(_ lines: [LinePanel], _ figure: Figure) -> Double {
    let ticks = lines.flatMap(\.axis.labels).map { textWidth($0) }.max() ?? 0
    let layers = figure.panels.contains(.loads) ? textWidth("layer 10", size: 11) : 0
    return (max(ticks, layers) + margin + 8).rounded(.up)
  }

  private func rightMargin(_ lines: [LinePanel]) -> Double {
    let widest = lines.flatMap { endLabels($0).map { textWidth($0.text) } }.max() ?? 0
    // The last step's own label needs room too.
    let tick = textWidth(figure.lastStep.grouped) / 2 + 4
    return (widest == 0 ? max(Self.margin, tick) : widest + Self.labelGap + Self.margin)
      .rounded(.up)
  }

  /// From a step to its place.
  func x(_ step: Double) -> Double { left + (right - left) * steps.fraction(step) }

  // MARK: - Panels

  private mutating func draw() {
    var y = Self.margin
    if hasTitle, let title = figure.options.title, !title.isEmpty {
      let size = isNarrow ? 14.0 : 16.0
      canvas.text(
        shortened(title, to: width - 2 * Self.margin, size: size), Self.margin, y + size - 2,
        Palette.ink, size: size, isBold: true)
      y += size + 12
    }
    for panel in figure.panels {
      if panel == .loads {
        for (index, run) in figure.runs.enumerated() {
          if var loads = LoadPanel(run, columns: max(1, Int((right - left) / 2))) {
            loads.run = index
            y = drawPanel(from: y, run: index) { $0.draw(loads, from: y) }
          }
        }
      } else if let lines = figure.linePanel(panel, isNarrow: isNarrow) {
        y = drawPanel(from: y) { $0.draw(lines, isFirst: $0.places.isEmpty, from: y) }
      }
    }
    let middle = (left + right) / 2
    canvas.group(.middle) { $0.text("step", middle, y + 2, Palette.muted, anchor: .middle) }
    height = (y + Self.margin).rounded(.up)
  }

  /// Draws a panel, one run's or all runs', as one group. Returns where the next panel begins.
  private mutating func drawPanel(
    from start: Double, run: Int? = nil, _ draw: (inout FigureLayout) -> Double
  ) -> Double {
    canvas.open(.panel, run: run)
    let end = draw(&self)
    canvas.close()
    places[places.count - 1].height = end - start
    return end
  }

  /// Returns where the next panel begins.
  private mutating func draw(_ panel: LinePanel, isFirst: Bool, from start: Double) -> Double {
    var y = start + 12
    let isRemarked = panel.curves.contains { $0.part != nil } && !isNarrow
    canvas.heading(panel.heading, isRemarked ? panel.remark : "", Self.margin, y)
    if isFirst || isNarrow { y = drawLegend(panel, from: y + 6) }
    let top = y + 12
    let bottom = top + panel.height
    let area = top...bottom
    drawGrid(panel.axis, area)
    drawSteps(below: bottom)
    drawData(panel, area)
    if !isNarrow { drawEndLabels(panel, area) }
    places.append(Place(top: top, bottom: bottom))
    return bottom + 34
  }

  private mutating func drawData(_ panel: LinePanel, _ area: ClosedRange<Double>) {
    let layout = self
    canvas.group(.data) { canvas in
      for curve in panel.curves {
        canvas.group(.run, run: curve.hue) { layout.draw(curve, panel.axis, area, on: &$0) }
      }
      for dots in panel.dots {
        canvas.group(.run, run: dots.hue) { canvas in
          for point in dots.points {
            canvas.point(
              layout.x(Double(point.step)), layout.height(point.value, panel.axis, area),
              hue: dots.hue, isFilled: dots.isFilled)
          }
        }
      }
    }
  }

  /// From a value to its place.
  private func height(
    _ value: Double, _ axis: ValueAxis, _ area: ClosedRange<Double>
  ) -> Double {
    area.upperBound - (area.upperBound - area.lowerBound) * axis.fraction(value)
  }

  private mutating func drawGrid(_ axis: ValueAxis, _ area: ClosedRange<Double>) {
    let layout = self
    canvas.group(.grid) { canvas in
      for (tick, label) in zip(axis.ticks, axis.labels) {
        let y = layout.height(tick, axis, area)
        canvas.line(from: (layout.left, y), to: (layout.right, y), Palette.grid)
        canvas.text(label, layout.left - 8, y + 4, Palette.muted, anchor: .end)
      }
    }
  }

  mutating func drawSteps(below y: Double) {
    let layout = self
    canvas.group(.steps) { canvas in
      canvas.line(from: (layout.left, y), to: (layout.right, y), Palette.axis)
      for (tick, label) in zip(layout.steps.ticks, layout.steps.labels) {
        let place = layout.x(tick)
        canvas.line(from: (place, y), to: (place, y + 4), Palette.axis)
        canvas.text(label, place, y + 17, Palette.muted, anchor: .middle)
      }
    }
  }

  private func draw(
    _ curve: LinePanel.Curve, _ axis: ValueAxis, _ area: ClosedRange<Double>,
    on canvas: inout SVGCanvas
  ) {
    let points = curve.points.map { (x: x(Double($0.step)), y: height($0.value, axis, area)) }
    if points.count > 1 {
      canvas.curve(points, Palette.line(curve.hue), width: curve.width, dash: curve.dash)
    }
    // A line that ends early, or has no length, ends in a point.
    if let last = points.last, last.x < right - 1 || points.count == 1 {
      canvas.point(last.x, last.y, hue: curve.hue, isFilled: curve.part != .training)
    }
  }

  // MARK: - Labels at the ends of lines

  private func endLabels(_ panel: LinePanel) -> [(text: String, curve: LinePanel.Curve)] {
    let room = Int(panel.height / Self.labelDistance)
    // The lines of a run are near to each other: its validation loss is what is looked for.
    var curves = panel.curves
    if curves.count > room { curves.removeAll { $0.part == .training || $0.part == .average } }
    if curves.count > room { return [] }
    return curves.compactMap { curve in
      guard let last = curve.points.last else { return nil }
      let value = panel.format(last.value)
      let part = curve.part?.word
      let run = figure.runs.count > 1 ? shortened(curve.label, to: 110) : nil
      return ([run, part, value].compactMap { $0 }.joined(separator: " "), curve)
    }
  }

  private mutating func drawEndLabels(_ panel: LinePanel, _ area: ClosedRange<Double>) {
    let labels = endLabels(panel)
    let wanted = labels.map { height($0.curve.points.last?.value ?? 0, panel.axis, area) }
    let places = placedApart(
      wanted, distance: Self.labelDistance, within: area.lowerBound...area.upperBound)
    let right = self.right
    canvas.group(.ends) { canvas in
      for (index, label) in labels.enumerated() {
        canvas.group(.run, run: label.curve.hue) { canvas in
          // A label that had to move is tied to its line.
          if abs(places[index] - wanted[index]) > 1.5 {
            canvas.line(
              from: (right + 2, wanted[index]), to: (right + Self.labelGap - 3, places[index]),
              Palette.grid)
          }
          canvas.text(
            label.text, right + Self.labelGap, places[index] + 4, Palette.text(label.curve.hue))
        }
      }
    }
  }
}
