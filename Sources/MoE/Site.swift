import GraphIR

/// Where in a model's source a call stands: the path as the compiler was given it, line, column.
struct Site: Hashable, Sendable {
  var path: String
  var line: Int
  var column: Int

  /// `#column` of a call is that of its parenthesis; the name before it is where people look.
  init(_ path: String, _ line: Int, _ column: Int, name: String = "") {
    self.path = path
    self.line = line
    self.column = max(1, column - name.count)
  }

  /// With the whole path, for errors.
  var location: SourceLocation { SourceLocation(file: path, line: line, column: column) }

  /// With the file's name alone, for graphs: what is generated does not depend on folders.
  var node: SourceLocation {
    let name = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init)
    return SourceLocation(file: name ?? path, line: line, column: column)
  }
}

/// A call being traced: how errors name it, where it stands and the scope of its nodes.
struct Call {
  var name: String
  var site: Site
  var scope: String

  /// Where its nodes stand, if not at the site.
  var nodeSite: Site? = nil

  /// Where its nodes and results stand.
  var made: Site { nodeSite ?? site }
}
