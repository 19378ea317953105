/// The colours of a chart, each light and dark, under the class names that the SVG uses.
///
/// Elements carry the light colour as an attribute, so that a program that knows no style sheets
/// draws them right; the dark one comes by a style sheet.
enum Palette {
  /// A class: which property it colours, and with what.
  struct Paint: Equatable {
    var name: String
    var property: String
    var light: String
    var dark: String

    var attributes: String { "class=\"\(name)\" \(property)=\"\(light)\"" }
  }

  static let background = Paint(name: "bg", property: "fill", light: "#ffffff", dark: "#15171a")
  static let ink = Paint(name: "ink", property: "fill", light: "#22252a", dark: "#dde0e4")
  static let muted = Paint(name: "muted", property: "fill", light: "#5d626b", dark: "#9aa1ac")
  static let grid = Paint(name: "grid", property: "stroke", light: "#e3e2dc", dark: "#2c3036")
  static let axis = Paint(name: "axis", property: "stroke", light: "#8a8f98", dark: "#6c737e")
  static let gap = Paint(name: "gap", property: "stroke", light: "#ffffff", dark: "#15171a")
  /// An expert that got nothing at all.
  static let dead = Paint(name: "dead", property: "fill", light: "#22252a", dark: "#f5f5f0")

  /// After Okabe and Ito, whose hues people with any kind of colour vision tell apart; darker on
  /// white and lighter on black than theirs, so that text in them can be read.
  private static let hues = [
    ("#0067b0", "#63b0f2"), ("#b84a00", "#ff9a4d"), ("#007a58", "#34c79d"),
    ("#a03a78", "#e79ac8"), ("#8a6400", "#e6b93a"), ("#2b7f9e", "#7fd0ee"),
  ]

  static var hueCount: Int { hues.count }

  static func line(_ index: Int) -> Paint { hue(index, "line", "stroke") }
  static func text(_ index: Int) -> Paint { hue(index, "text", "fill") }

  private static func hue(_ index: Int, _ name: String, _ property: String) -> Paint {
    let number = index % hues.count
    return Paint(
      name: "\(name)\(number)", property: property, light: hues[number].0, dark: hues[number].1)
  }

  // MARK: - Loads

  /// From a quarter of the fair share to four times of it, in thirds of a doubling.
  static let loadLevels = 13

  /// Blue below the fair share, orange above, and nothing much in between.
  static func load(_ level: Int) -> Paint {
    Paint(
      name: "load\(level)", property: "fill",
      light: blend(level, ["#1d5fa8", "#8ec1e0", "#f3f1ec", "#f2a566", "#ad3f0c"]),
      dark: blend(level, ["#8fccff", "#2f6ea8", "#24282e", "#a8561f", "#ffb470"]))
  }

  /// The level of `load`, in multiples of the fair share; nil: the expert is dead.
  static func level(ofLoad load: Double) -> Int? {
    guard load > 0 else { return nil }
    let doublings = min(2, max(-2, load.binaryLogarithm))
    return Int(((doublings + 2) * 3).rounded())
  }

  /// Straight between the colours at both sides.
  private static func blend(_ level: Int, _ anchors: [String]) -> String {
    let place = Double(level) / Double(loadLevels - 1) * Double(anchors.count - 1)
    let first = min(Int(place), anchors.count - 2)
    let share = place - Double(first)
    let colours = zip(channels(anchors[first]), channels(anchors[first + 1]))
    return "#" + colours.map { hexadecimal($0 + ($1 - $0) * share) }.joined()
  }

  private static func channels(_ colour: String) -> [Double] {
    let value = Int(colour.dropFirst(), radix: 16) ?? 0
    return [value >> 16, value >> 8 & 255, value & 255].map(Double.init)
  }

  private static func hexadecimal(_ channel: Double) -> String {
    let digits = String(Int(channel.rounded()), radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }

  // MARK: - Style sheets

  private static var all: [Paint] {
    [background, ink, muted, grid, axis, gap, dead]
      + (0..<hueCount).flatMap { [line($0), text($0)] } + (0..<loadLevels).map(load)
  }

  /// What a picture needs of its own: the dark colours of the classes in it, where dark is wanted.
  static func darkStyle(for drawing: String) -> String {
    let rules = all.filter { drawing.contains("class=\"\($0.name)\"") }
      .map { ".\($0.name){\($0.property):\($0.dark)}" }
    return "<style>@media (prefers-color-scheme:dark){\(rules.joined())}</style>"
  }

  /// What a page needs, whose reader chooses between light and dark.
  static var pageStyle: String {
    all.map { ".chart .\($0.name){\($0.property):light-dark(\($0.light),\($0.dark))}\n" }.joined()
  }
}
