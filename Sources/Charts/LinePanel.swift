import Foundation

/// Lines and points over steps, with one axis of values.
struct LinePanel {
  struct Curve {
    /// In the legend, which names a run once for its two lines.
    var label: String
    /// At the line's end: which part of the text, where a run has two lines.
    var part: Part?
    var hue: Int
    /// Runs beyond the number of hues are told apart by it.
    var dash: String?
    var points: [(step: Int, value: Double)]

    var width: Double { part == .training || part == .average ? 1.2 : 2.4 }
  }

  struct Dots {
    var label: String
    var hue: Int
    var isFilled: Bool
    var points: [(step: Int, value: Double)]
  }

  var heading: String
  /// Beside the heading, quieter.
  var remark = ""
  var axis: ValueAxis
  var curves: [Curve]
  var dots: [Dots] = []
  var height: Double
  /// How a value is written at a line's end and in a page.
  var format: @Sendable (Double) -> String
}

extension Figure {
  func linePanel(_ panel: Panel, isNarrow: Bool) -> LinePanel? {
    switch panel {
    case .losses: lossPanel(height: isNarrow ? 230 : 300)
    case .loads: nil
    case .learningRate: numberPanel(panel, "Learning rate") { ValueAxis.scientific($0, digits: 3) }
    case .gradientNorm: numberPanel(panel, "Norm of the gradient") { significant($0) }
    case .balance:
      numberPanel(panel, "Largest load of an expert over the mean") { significant($0) }
    case .dropped:
      numberPanel(panel, "Tokens dropped, %") { String(format: "%.1f %%", $0) }
    }
  }

  private func lossPanel(height: Double) -> LinePanel {
    var curves: [LinePanel.Curve] = []
    for (index, run) in runs.enumerated() {
      for part in run.parts {
        curves.append(
          .init(
            label: run.label, part: part, hue: index,
            dash: part == .average ? "1 4" : Self.dash(index),
            points: run.records.compactMap { record in
              record.loss(part, options.unit).map { (record.step, $0) }
            }))
      }
    }
    var dots: [LinePanel.Dots] = []
    for (index, reference) in references.enumerated() {
      for part in [Part.training, .validation] {
        dots.append(
          .init(
            label: reference.label, hue: runs.count + index, isFilled: part == .validation,
            points: reference.points.compactMap { point in
              point.loss(part, options.unit).map { (point.step, $0) }
            }))
      }
    }
    let values = curves.flatMap(\.points).map(\.value) + dots.flatMap(\.points).map(\.value)
    return LinePanel(
      heading: lossHeading, remark: lossRemark,
      axis: options.isLogarithmic ? .logarithmic(values, count: 8) : .linear(values, count: 8),
      curves: curves, dots: dots, height: height, format: { String(format: "%.3f", $0) })
  }

  private var lossRemark: String {
    let average = runs.contains { $0.parts.contains(.average) } ? ", averaged weights dotted" : ""
    return "training thin, validation thick\(average)"
  }

  private var lossHeading: String {
    if options.unit == .bits { return "Bits per character" }
    let isPerToken = runs.contains { $0.charactersPerToken != nil }
    return isPerToken ? "Mean loss of a token" : "Mean loss of a character"
  }

  private func numberPanel(
    _ panel: Panel, _ heading: String, format: @escaping @Sendable (Double) -> String
  ) -> LinePanel {
    let curves = runs.enumerated().compactMap { index, run -> LinePanel.Curve? in
      let points = run.records.compactMap { record in
        panel.value(record).map { (step: record.step, value: $0) }
      }
      guard !points.isEmpty else { return nil }
      return .init(
        label: run.label, part: nil, hue: index, dash: Self.dash(index), points: points)
    }
    let values = curves.flatMap(\.points).map(\.value)
    return LinePanel(
      heading: heading, axis: .linear(values, count: 3, fromZero: true), curves: curves,
      height: 80, format: format)
  }

  private static func dash(_ index: Int) -> String? {
    let patterns: [String?] = [nil, "6 3", "2 3", "8 3 2 3"]
    return patterns[index / Palette.hueCount % patterns.count]
  }
}

/// Three significant digits.
func significant(_ value: Double) -> String {
  let size = abs(value)
  if size != 0 && (size < 0.01 || size >= 1e6) { return ValueAxis.scientific(value, digits: 3) }
  return String(format: size < 9.995 ? "%.2f" : size < 99.95 ? "%.1f" : "%.0f", value)
}
