import CPages
import Foundation
import Page

/// A text's routes as one self-contained page.
public struct RoutePage {
  private let routed: RoutedText
  private let note: String

  /// - Parameter note: what was run, in plain text, beside the title.
  public init(_ routed: RoutedText, note: String) {
    self.routed = routed
    self.note = note
  }

  /// The document; the same routes give the same bytes.
  public var html: String {
    Page(
      title: "Experts of \(routed.model)", subtitle: HTML.escaped(note),
      body: String(cString: routes_html()),
      styles: [String(cString: routes_css())],
      scripts: [String(cString: routes_js())],
      data: [.init(name: "routes", json: json)]
    ).html
  }

  private var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // All numbers are finite, so this cannot fail.
    guard let data = try? encoder.encode(Facts(routed)) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }
}

/// What the page's script reads.
private struct Facts: Encodable {
  struct Router: Encodable {
    var name: String
    var experts: [Expert]
    var choices: Int
    /// Experts and weights in thousandths of all tokens, the strongest first; a dropped one has the
    /// weight -1.
    var chosen: [Int]
    var weights: [Int]
  }

  struct Expert: Encodable {
    var share: Double
    var favourites: [Favourite]
  }

  struct Favourite: Encodable {
    var token: String
    var count: Int
    var total: Int
    var lift: Double
  }

  var tokens: [String]
  var routers: [Router]

  init(_ routed: RoutedText) {
    tokens = routed.tokens
    let experts = routed.experts()
    routers = routed.routers.indices.map { index in
      let all = routed.choices[index].joined()
      return Router(
        name: routed.routers[index].name,
        experts: experts[index].map { expert in
          Expert(
            share: Self.rounded(expert.share),
            favourites: expert.favourites.map {
              Favourite(
                token: $0.token, count: $0.count, total: $0.total, lift: Self.rounded($0.lift))
            })
        },
        choices: routed.routers[index].choices, chosen: all.map(\.expert),
        weights: all.map { $0.isKept ? Self.thousandths($0.weight) : -1 })
    }
  }

  private static func rounded(_ number: Double) -> Double { (number * 1e4).rounded() / 1e4 }

  /// Weights of a model that diverged are no numbers.
  private static func thousandths(_ weight: Float) -> Int {
    weight.isFinite ? Int((min(max(weight, 0), 1000) * 1000).rounded()) : 0
  }
}
