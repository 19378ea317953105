import ModelRuntime
import SystemFiles

/// Which experts each token of a text went to, in every router.
public struct RoutedText: Equatable, Sendable {
  /// One of a token's experts.
  public struct Choice: Equatable, Sendable {
    public var expert: Int
    /// By which its output was added, 0 to 1.
    public var weight: Float
    /// False where the expert was full.
    public var isKept: Bool
  }

  public var model: String
  public var routers: [Manifest.Router]
  /// The text of each token; empty for one that only begins a character.
  public var tokens: [String]
  /// By router and token, the strongest first.
  public var choices: [[[Choice]]]

  /// What one expert does in a text.
  public struct Expert: Equatable, Sendable {
    /// Its share of the router's choices, 0 to 1.
    public var share: Double
    /// The tokens that went to it most, compared with chance.
    public var favourites: [Favourite]
  }

  public struct Favourite: Equatable, Sendable {
    public var token: String
    /// How often it went to this expert, of how often it comes in the text.
    public var count: Int
    public var total: Int
    /// How many times as often as a token does on average, at least: 1 or less would be chance.
    public var lift: Double
  }

  /// Of all experts, by router.
  ///
  /// A token that comes n times and goes to an expert o times has o / n as its share, of which
  /// `leastShare` is sure. Favourites are those for which even that is more than the expert's load
  /// of all tokens: one that comes once or twice tells nothing, however idle its expert is. They are
  /// sorted by (o - e) / √e, with e the n · load times of chance.
  public func experts(favourites limit: Int = 8) -> [[Expert]] {
    let counts = Dictionary(tokens.map { ($0, 1) }, uniquingKeysWith: +)
    return routers.indices.map { router in
      var seen = [[String: Int]](repeating: [:], count: routers[router].experts)
      for (token, chosen) in zip(tokens, choices[router]) {
        for choice in chosen { seen[choice.expert][token, default: 0] += 1 }
      }
      return seen.map { Self.expert($0, counts, routers[router].choices, limit) }
    }
  }

  private static func expert(
    _ seen: [String: Int], _ counts: [String: Int], _ choices: Int, _ limit: Int
  ) -> Expert {
    let total = Double(counts.values.reduce(0, +))
    let load = Double(seen.values.reduce(0, +)) / max(1, total)
    var found: [(favourite: Favourite, score: Double)] = []
    for (token, count) in seen where !token.isEmpty {
      let all = counts[token] ?? 0
      let expected = Double(all) * load
      let lift = leastShare(count, of: all) / load
      guard all >= leastCount, lift > 1 else { continue }
      let favourite = Favourite(token: token, count: count, total: all, lift: lift)
      found.append((favourite, (Double(count) - expected) / expected.squareRoot()))
    }
    // Of equals the one that comes first in the alphabet, so that the same text gives the same.
    found.sort { ($1.score, $0.favourite.token) < ($0.score, $1.favourite.token) }
    return Expert(
      share: load / Double(choices), favourites: found.prefix(limit).map(\.favourite))
  }
}

extension RoutedText {
  /// Tokens that come less often are nobody's favourites.
  static let leastCount = 3

  /// The lower end of Wilson's 99 % interval of a share of which o of n were seen:
  ///
  ///     (o + z²/2 - z √(o (n - o) / n + z²/4)) / (n + z²)        z = 2.576
  static func leastShare(_ seen: Int, of all: Int) -> Double {
    guard all > 0 else { return 0 }
    let (o, n, z) = (Double(seen), Double(all), 2.576)
    return max(0, (o + z * z / 2 - z * (o * (n - o) / n + z * z / 4).squareRoot()) / (n + z * z))
  }
}

/// A text of which no route can be shown.
public enum RoutedTextError: ExplainedError, Equatable {
  case empty
  case routesNothing(model: String)

  public var message: String {
    switch self {
    case .empty: return "the text is empty: there is nothing to route"
    case .routesNothing(let model): return "\(model) routes nothing: it has no experts"
    }
  }

  public var hint: String {
    switch self {
    case .empty: return "give some characters, --route \"To be, or not to be\""
    case .routesNothing: return "use a model with a mixture of experts"
    }
  }
}

extension Session {
  /// Sends a text through the model in evaluation mode and looks where its tokens go. One that is
  /// longer than the context is looked at in windows that overlap by half, so that every token but
  /// the first ones has half a context before it.
  ///
  /// Errors: an empty text, characters that the model does not know, a model without experts, a
  /// library that does not tell, logits or experts' weights that are not finite.
  public func routed(_ text: String) throws -> RoutedText {
    let manifest = model.manifest
    if manifest.routers.isEmpty { throw RoutedTextError.routesNothing(model: manifest.name) }
    let tokens = try coding.encode(text)
    guard !tokens.isEmpty else { throw RoutedTextError.empty }
    var writer = coding.writer()
    var routed = RoutedText(
      model: manifest.name, routers: manifest.routers, tokens: tokens.map { writer.append($0) },
      choices: manifest.routers.map { _ in [] })
    var done = 0
    var window = 0
    while done < tokens.count {
      let start = max(0, done - manifest.context / 2)
      let end = min(tokens.count, start + manifest.context)
      let noise = RandomStream.seed(seed, .generationNoise, index: window)
      let logits = try model.logits(tokens: Array(tokens[start..<end]), seed: noise)
      let routes = try model.routes(tokens: end - start)
      // Experts that no numbers chose are no route, however clean a table of them looks.
      try model.requireFinite(routes.flatMap(\.weights), "weights of experts")
      try model.requireFinite(logits, "logits")
      for (router, chosen) in routes.enumerated() {
        let count = manifest.routers[router].choices
        routed.choices[router] += (done - start..<end - start).map { chosen.ofToken($0, count) }
      }
      (done, window) = (end, window + 1)
    }
    return routed
  }
}

extension RouterChoices {
  /// The choices of one token, the strongest first.
  fileprivate func ofToken(_ token: Int, _ count: Int) -> [RoutedText.Choice] {
    (token * count..<(token + 1) * count).map {
      RoutedText.Choice(expert: Int(experts[$0]), weight: weights[$0], isKept: isKept[$0])
    }
    .sorted { ($1.weight, $0.expert) < ($0.weight, $1.expert) }
  }
}
