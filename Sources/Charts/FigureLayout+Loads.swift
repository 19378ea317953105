extension FigureLayout {
  /// Returns where the next panel begins.
  mutating func draw(_ panel: LoadPanel, from start: Double) -> Double {
    var y = start + 12
    let heading = "Load of each expert" + (figure.runs.count > 1 ? ": \(panel.label)" : "")
    canvas.text(
      shortened(heading, to: isNarrow ? width - 2 * Self.margin : width - 330), Self.margin, y,
      Palette.ink, isBold: true)
    if isNarrow { y += 20 }
    drawScale(y: y)
    let top = y + 12
    drawCells(panel, top)
    drawLayers(panel, top)
    let bottom = top + panel.height
    drawSteps(below: bottom + 3)
    places.append(Place(top: top, bottom: bottom))
    return bottom + 37
  }

  /// The layers' numbers, as many as have room.
  private mutating func drawLayers(_ panel: LoadPanel, _ top: Double) {
    var free = 0.0
    for layer in 0..<panel.layers {
      let middle = panel.top(ofLayer: layer) + panel.rowHeight * Double(panel.experts[layer]) / 2
      if layer > 0 && middle < free { continue }
      free = middle + 13
      canvas.text(
        "layer \(layer)", left - 8, top + middle + 4, Palette.muted, anchor: .end, size: 11)
    }
  }

  /// What the colours say, at the right.
  private mutating func drawScale(y: Double) {
    let end = isNarrow ? width - Self.margin : max(right, left + 320)
    let isNarrow = isNarrow
    canvas.group(.right) { Self.drawScale(endingAt: end, y: y, isNarrow: isNarrow, on: &$0) }
  }

  private static func drawScale(
    endingAt end: Double, y: Double, isNarrow: Bool, on canvas: inout SVGCanvas
  ) {
    let size = 9.0
    let words = (less: "¼", more: "4×", none: "none")
    let noneWidth = textWidth(words.none, size: 11) + size + 4
    var x = end - noneWidth
    canvas.rectangle(x, y - 9, size, size, Palette.dead)
    canvas.text(words.none, x + size + 4, y, Palette.muted, size: 11)
    x -= textWidth(words.more, size: 11) + 16
    canvas.text(words.more, x + 4, y, Palette.muted, size: 11)
    x -= size * Double(Palette.loadLevels)
    for level in 0..<Palette.loadLevels {
      canvas.rectangle(x + size * Double(level), y - 9, size + 0.2, size, Palette.load(level))
    }
    canvas.text(words.less, x - 4, y, Palette.muted, anchor: .end, size: 11)
    canvas.text(
      isNarrow ? "over fair share:" : "load over the fair share:", x - 18, y, Palette.muted,
      anchor: .end, size: 11)
  }

  /// One path for each colour; neighbours in a row that share one are one rectangle.
  private mutating func drawCells(_ panel: LoadPanel, _ top: Double) {
    var paths = [String](repeating: "", count: Palette.loadLevels + 1)
    for layer in 0..<panel.layers {
      for expert in 0..<panel.experts[layer] {
        let y = top + panel.top(ofLayer: layer) + panel.rowHeight * Double(expert)
        let levels = panel.loads.map { column in
          Palette.level(ofLoad: column[layer][expert]) ?? Palette.loadLevels
        }
        var first = 0
        for index in levels.indices {
          if index + 1 < levels.count && levels[index + 1] == levels[index] { continue }
          let start = x(panel.edges[first])
          let end = x(panel.edges[index + 1])
          paths[levels[index]] +=
            "M\(canvas.number(start)) \(canvas.number(y))H\(canvas.number(end))"
            + "v\(canvas.number(panel.rowHeight))H\(canvas.number(start))z"
          first = index + 1
        }
      }
    }
    canvas.group(.data) { canvas in
      canvas.group(.run, run: panel.run) { canvas in
        for (level, path) in paths.enumerated() where !path.isEmpty {
          canvas.fill(path, level == Palette.loadLevels ? Palette.dead : Palette.load(level))
        }
      }
    }
  }
}
