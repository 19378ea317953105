import Foundation
import JSON

/// The text's routes as a table that a script can read.
extension RoutedText {
  /// Columns with tabs between them: a line for each token with its experts in every router, the
  /// strongest first, in parentheses where it was full; after an empty line one for each expert with
  /// its share of choices and its favourites, each with how many times as often as by chance at least.
  public var table: String {
    var lines = [(["position", "token"] + routers.map(\.name)).joined(separator: "\t")]
    for (position, token) in tokens.enumerated() {
      let experts = choices.map { router in
        router[position].map { $0.isKept ? "\($0.expert)" : "(\($0.expert))" }
          .joined(separator: ",")
      }
      let text = JSON.quoted(token, isForTerminal: true)
      lines.append((["\(position)", text] + experts).joined(separator: "\t"))
    }
    lines += ["", "router\texpert\tshare\tfavourites"]
    for (router, experts) in zip(routers, experts()) {
      for (index, expert) in experts.enumerated() {
        let favourites = expert.favourites.map {
          "\(JSON.quoted($0.token, isForTerminal: true)) \(String(format: "%.2f", $0.lift))"
        }
        let share = String(format: "%.4f", expert.share)
        lines.append("\(router.name)\t\(index)\t\(share)\t\(favourites.joined(separator: ", "))")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Unicode.Scalar {
  /// Whether it shows nothing of itself, and may move, hide or turn round what follows.
  fileprivate var isUnseen: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}

/// The text's routes for a terminal, in colours.
extension RoutedText {
  /// For each router the text, every token on the colour of its strongest expert and below it the
  /// numbers of the others, in lines of at most `width`, then what each expert likes.
  public func coloured(width: Int) -> String {
    let experts = experts(favourites: 6)
    return routers.indices.map { router in
      let title = "\u{1b}[1m\(routers[router].name)\u{1b}[0m"
      let text = rows(of: max(8, width)).flatMap { lines($0, router) }
      let legend = experts[router].enumerated().map { Self.legend($0, $1) }
      return ([title, ""] + text + [""] + legend).joined(separator: "\n") + "\n"
    }
    .joined(separator: "\n")
  }

  /// Tokens of each line: a line of the text, or as much of it as there is room for.
  private func rows(of width: Int) -> [Range<Int>] {
    var rows: [Range<Int>] = []
    var (start, used) = (0, 0)
    for (position, token) in tokens.enumerated() {
      let columns = Self.shown(token).count
      if used + columns > width, position > start {
        rows.append(start..<position)
        (start, used) = (position, 0)
      }
      used += columns
      if token.hasSuffix("\n") {
        rows.append(start..<position + 1)
        (start, used) = (position + 1, 0)
      }
    }
    return start < tokens.count ? rows + [start..<tokens.count] : rows
  }

  private func lines(_ row: Range<Int>, _ router: Int) -> [String] {
    let ranks = 0..<min(4, routers[router].choices)
    return ranks.map { rank in
      row.map { position in
        let choice = choices[router][position][rank]
        let token = Self.shown(tokens[position])
        // A token of several characters has the number at its start.
        let number = String(choice.expert).prefix(token.count)
        let rest = String(repeating: " ", count: token.count - number.count)
        let text = rank == 0 ? token : number + rest
        return choice.isKept ? Self.painted(text, choice.expert) : "\u{1b}[2m\(text)\u{1b}[0m"
      }
      .joined()
    }
  }

  private static func legend(_ index: Int, _ expert: Expert) -> String {
    let favourites = expert.favourites.map {
      "\(shown($0.token).replacing(" ", with: "␣")) ≥\(String(format: "%.1f", $0.lift))×"
    }
    let share = String(format: "%5.1f %%", 100 * expert.share)
    let number = String(index).count < 2 ? " \(index) " : " \(index)"
    return "\(painted(number, index)) \(share)  \(favourites.joined(separator: "  "))"
  }

  /// Dark text on sixteen colours that are told apart on light and dark terminals.
  private static func painted(_ text: some StringProtocol, _ expert: Int) -> String {
    "\u{1b}[38;5;16;48;5;\(palette[expert % palette.count])m\(text)\u{1b}[0m"
  }

  private static let palette = [
    111, 215, 114, 183, 221, 80, 211, 250, 75, 173, 150, 141, 187, 73, 168, 244,
  ]

  /// A token on one line.
  private static func shown(_ token: String) -> String {
    String(
      String.UnicodeScalarView(
        token.unicodeScalars.map { scalar in
          if scalar == "\n" { return "⏎" }
          return scalar.isUnseen ? "·" : scalar
        }))
  }
}
