import GraphIR

/// Lines of C, and what they use of the function in which they stand.
struct Statement: Sendable {
  /// What `moec bench` times, or tells the place of.
  enum Site: Hashable, Sendable {
    /// A layer's call, by its number among those of its phase.
    case call(Phase, Int)

    /// A step of the optimizer, and the function that makes it.
    case update, updateFunction
  }

  /// Without the indentation that they all have.
  var lines: [String]
  private var depth = 0
  var uses: Set<CVariable> = []

  /// The function that is called; of several the first.
  var function: String?

  /// What the lines are, where that is asked for.
  var site: Site?

  /// A text of any number of lines.
  init(text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  init(lines: [String], site: Site? = nil) { (self.lines, self.site) = (lines, site) }

  /// A line.
  init(_ line: CExpression, function: String? = nil) {
    (lines, uses) = ([line.text], line.uses)
    self.function = function
  }

  /// The call of a function, in as many lines as it takes.
  init(calling function: String, _ arguments: [CExpression]) {
    lines = CLines.wrapped("\(function)(", arguments, ");")
    uses = arguments.uses
    self.function = function
  }

  /// The same of a function whose result goes somewhere.
  init(setting place: CExpression, calling function: String, _ arguments: [CExpression]) {
    lines = CLines.wrapped("\(place.text) = \(function)(", arguments, ");")
    uses = ([place] + arguments).uses
    self.function = function
  }

  /// Several as one.
  init(_ parts: [Statement]) {
    lines = parts.lines
    uses = parts.uses
    function = parts.lazy.compactMap(\.function).first
  }

  static var blank: Statement { Statement(lines: [""]) }

  var indented: Statement {
    var copy = self
    copy.depth += 1
    return copy
  }

  /// The lines as they stand in a file.
  fileprivate var written: [String] {
    let indent = String(repeating: "    ", count: depth)
    return lines.map { $0.isEmpty ? $0 : indent + $0 }
  }
}

extension [Statement] {
  var uses: Set<CVariable> { reduce(into: []) { $0.formUnion($1.uses) } }
  var lines: [String] { flatMap(\.written) }
  var indented: [Statement] { map(\.indented) }

  /// Those that are asked for, each with the lines that it is, counted from 0.
  var sites: [(site: Statement.Site, lines: Range<Int>, statement: Statement)] {
    var line = 0
    return compactMap { statement in
      defer { line += statement.lines.count }
      guard let site = statement.site, !statement.lines.isEmpty else { return nil }
      return (site, line..<line + statement.lines.count, statement)
    }
  }
}

extension [CExpression] {
  var uses: Set<CVariable> { reduce(into: []) { $0.formUnion($1.uses) } }
}
