import Planning

/// The paths of a layer's uses, as C has them for use `l`: `"block", l` for `block.0` to `block.7`.
struct UseScopes {
  /// What a function is given that names something of use `l`: the path, and a number behind it, or -1.
  let arguments: String

  /// The paths, where they are not one with a number behind it.
  let table: String?

  /// What the names of each use are below its path.
  let localNames: [[String]]

  init(_ layout: LayerUseLayout, names: [[String]]) {
    let scopes = layout.uses.map(\.scope)
    let isBelow = zip(scopes, names).allSatisfy { scope, names in
      scope.isEmpty || names.allSatisfy { $0.hasPrefix(scope + ".") }
    }
    localNames =
      isBelow
      ? zip(scopes, names).map { scope, names in
        names.map { scope.isEmpty ? $0 : String($0.dropFirst(scope.count + 1)) }
      } : names
    (arguments, table) = isBelow ? Self.paths(scopes, layout.layer.name) : ("\"\", -1", nil)
  }

  /// Paths alone.
  init(_ layout: LayerUseLayout) { self.init(layout, names: layout.uses.map { _ in [] }) }

  private static func paths(_ scopes: [String], _ layer: String) -> (String, String?) {
    guard let first = scopes.first else { return ("\"\", -1", nil) }
    if scopes.allSatisfy({ $0 == first }) { return ("\(CNames.literal(first)), -1", nil) }
    let stem = String(first.dropLast(2))
    if scopes.indices.allSatisfy({ scopes[$0] == "\(stem).\($0)" }) {
      return ("\(CNames.literal(stem)), l", nil)
    }
    let lines = scopes.map { "    \(CNames.literal($0))," }
    let table = ["static const char *const \(layer)_scopes[] = {"] + lines + ["};"]
    return ("\(layer)_scopes[l], -1", table.joined(separator: "\n"))
  }
}
