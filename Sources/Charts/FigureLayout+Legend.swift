extension FigureLayout {
  /// Rows of samples and names above the lines, so that they cover none. Returns their end.
  mutating func drawLegend(_ panel: LinePanel, from start: Double) -> Double {
    let entries = legend(panel)
    if entries.isEmpty { return start - 6 }
    var place = (x: Self.margin, y: start + 14)
    for entry in entries {
      let words = shortened(entry.text, to: width - 2 * Self.margin - 40)
      let length = 32 + textWidth(words) + 18
      if place.x > Self.margin, place.x + length - 18 > width - Self.margin {
        place = (Self.margin, place.y + 18)
      }
      canvas.group(.legend, run: entry.hue) { canvas in
        Self.drawSample(entry, place, on: &canvas)
        canvas.text(words, place.x + 32, place.y, Palette.text(entry.hue))
      }
      place.x += length
    }
    return place.y
  }

  private struct LegendEntry {
    var text: String
    var hue: Int
    var dash: String?
    var sample: Sample

    enum Sample {
      case line, bothParts, dots
    }
  }

  /// Each run and reference once; on a narrow figure with the values at the ends.
  private func legend(_ panel: LinePanel) -> [LegendEntry] {
    let runs = panel.curves.filter { $0.part == nil || $0.part == .validation }
    if runs.allSatisfy(\.label.isEmpty) && panel.dots.isEmpty && !isNarrow { return [] }
    var entries = runs.map { curve in
      LegendEntry(
        text: isNarrow ? narrowText(curve, panel) : curve.label, hue: curve.hue,
        dash: curve.dash, sample: curve.part == nil ? .line : .bothParts)
    }
    for dots in panel.dots where dots.isFilled {
      entries.append(
        .init(text: dots.label, hue: dots.hue, dash: nil, sample: .dots))
    }
    return entries
  }

  private func narrowText(_ curve: LinePanel.Curve, _ panel: LinePanel) -> String {
    let both = panel.curves.filter { $0.hue == curve.hue && $0.label == curve.label }
    let values = both.compactMap { curve in
      curve.points.last.map { last in
        (curve.part.map { "\($0.word) " } ?? "") + panel.format(last.value)
      }
    }
    let text = ": " + values.joined(separator: ", ")
    let room = width - 2 * Self.margin - 40 - textWidth(text)
    return shortened(curve.label, to: max(room, 40)) + text
  }

  private static func drawSample(
    _ entry: LegendEntry, _ place: (x: Double, y: Double), on canvas: inout SVGCanvas
  ) {
    let y = place.y - 4
    let strokes: [(offset: Double, width: Double)]
    switch entry.sample {
    case .line: strokes = [(0, 2.4)]
    case .bothParts: strokes = [(-2.5, 1.2), (2.5, 2.4)]
    case .dots:
      strokes = []
      canvas.point(place.x + 8, y, hue: entry.hue, isFilled: false)
      canvas.point(place.x + 20, y, hue: entry.hue, isFilled: true)
    }
    for stroke in strokes {
      canvas.line(
        from: (place.x, y + stroke.offset), to: (place.x + 26, y + stroke.offset),
        Palette.line(entry.hue), width: stroke.width, dash: entry.dash)
    }
  }
}
