import Foundation

/// Collects the elements of an SVG. The same calls give the same bytes.
struct SVGCanvas {
  enum Anchor: String {
    case start, middle, end
  }

  private(set) var elements: [String] = []

  /// Whether parts are in groups, by which a page's script finds them; a picture alone has none.
  var hasGroups = false

  /// What a page's script does with a part of the picture.
  enum Group: String {
    /// Drawn anew for other steps or values.
    case grid, steps
    /// Moved with the steps, or with the right end, or by half of that.
    case data, ends, right, middle
    /// Pressed to hide a run; and all that is one run's.
    case legend, run
    /// All of a panel, which moves up when one above it is hidden.
    case panel
  }

  /// Draws a part of a picture, which belongs to a run or not.
  mutating func group(_ kind: Group, run: Int? = nil, _ draw: (inout SVGCanvas) -> Void) {
    open(kind, run: run)
    draw(&self)
    close()
  }

  /// Begins a group that `close` ends.
  mutating func open(_ kind: Group, run: Int? = nil) {
    let name = run.map { " data-run=\"\($0)\"" } ?? ""
    if hasGroups { elements.append("<g class=\"g-\(kind.rawValue)\"\(name)>") }
  }

  mutating func close() {
    if hasGroups { elements.append("</g>") }
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ paint: Palette.Paint
  ) {
    elements.append(
      "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" \(paint.attributes)/>")
  }

  mutating func text(
    _ words: String, _ x: Double, _ y: Double, _ paint: Palette.Paint, anchor: Anchor = .start,
    size: Double = 12, isBold: Bool = false
  ) {
    var attributes = "x=\"\(number(x))\" y=\"\(number(y))\" \(paint.attributes)"
    if anchor != .start { attributes += " text-anchor=\"\(anchor.rawValue)\"" }
    if size != 12 { attributes += " font-size=\"\(number(size))\"" }
    if isBold { attributes += " font-weight=\"600\"" }
    elements.append("<text \(attributes)>\(escaped(words))</text>")
  }

  /// A heading, and words after it that are quieter.
  mutating func heading(_ words: String, _ remark: String, _ x: Double, _ y: Double) {
    text(words, x, y, Palette.ink, isBold: true)
    if remark.isEmpty { return }
    // Within one text the words follow each other in whatever font there is.
    let attributes = "dx=\"10\" \(Palette.muted.attributes) font-weight=\"400\""
    let quiet = "<tspan \(attributes)>\(escaped(remark))</tspan></text>"
    elements.append(elements.removeLast().replacingOccurrences(of: "</text>", with: quiet))
  }

  mutating func line(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ paint: Palette.Paint,
    width: Double = 1, dash: String? = nil
  ) {
    let path =
      start.y == end.y
      ? "M\(number(start.x)) \(number(start.y))H\(number(end.x))"
      : "M\(number(start.x)) \(number(start.y))L\(number(end.x)) \(number(end.y))"
    stroke(path, paint, width: width, dash: dash)
  }

  /// Straight lines through all points.
  mutating func curve(
    _ points: [(x: Double, y: Double)], _ paint: Palette.Paint, width: Double, dash: String?
  ) {
    let places = points.map { "\(number($0.x)) \(number($0.y))" }.joined(separator: "L")
    stroke("M" + places, paint, width: width, dash: dash)
  }

  private mutating func stroke(
    _ path: String, _ paint: Palette.Paint, width: Double, dash: String?
  ) {
    let dashes = dash.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    elements.append(
      "<path d=\"\(path)\" \(paint.attributes) stroke-width=\"\(number(width))\""
        + " stroke-linejoin=\"round\" fill=\"none\"\(dashes)/>")
  }

  /// A filled shape.
  mutating func fill(_ path: String, _ paint: Palette.Paint) {
    elements.append("<path d=\"\(path)\" \(paint.attributes)/>")
  }

  /// A point: filled with its colour, or a ring of it.
  mutating func point(_ x: Double, _ y: Double, hue: Int, isFilled: Bool) {
    let place = "cx=\"\(number(x))\" cy=\"\(number(y))\""
    let inner = isFilled ? Palette.text(hue) : Palette.background
    let outer = isFilled ? Palette.gap : Palette.line(hue)
    elements.append("<circle \(place) r=\"\(isFilled ? "3.4" : "2.8")\" \(inner.attributes)/>")
    elements.append(
      "<circle \(place) r=\"\(isFilled ? "3.8" : "2.8")\" \(outer.attributes)"
        + " stroke-width=\"\(isFilled ? "0.8" : "1.2")\" fill=\"none\"/>")
  }

  /// At most one decimal: a tenth of a pixel.
  func number(_ value: Double) -> String {
    let text = String(format: "%.1f", value)
    let short = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    return short == "-0" ? "0" : short
  }
}

/// Text for an element of XML, without the control characters that XML cannot hold.
func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    default:
      let isBad =
        scalar.properties.generalCategory == .control
        || scalar.value & 0xFFFE == 0xFFFE
      result.unicodeScalars.append(isBad ? " " : scalar)
    }
  }
  return result
}

/// About how wide a text is, in pixels: a little more than the usual fonts need.
func textWidth(_ text: String, size: Double = 12) -> Double {
  text.reduce(0) { $0 + characterWidth($1) * size }
}

/// In multiples of the font's size.
private func characterWidth(_ character: Character) -> Double {
  switch character {
  case "i", "l", "j", "I", ".", ",", ":", ";", "'", "|", " ", "(", ")", "/", "-": 0.34
  case "f", "t", "r": 0.4
  case "m", "w", "M", "W", "%", "@": 0.92
  case "A"..."Z": 0.68
  default: character.isASCII ? 0.6 : 1
  }
}

/// A text cut to a width, with an ellipsis where it was cut.
func shortened(_ text: String, to width: Double, size: Double = 12) -> String {
  if textWidth(text, size: size) <= width { return text }
  var sum = 0.0
  let short = text.prefix { character in
    sum += characterWidth(character) * size
    return sum + characterWidth("…") * size <= width
  }
  return short + "…"
}

extension Double {
  /// log2 of it.
  var binaryLogarithm: Double { log2(self) }
}
