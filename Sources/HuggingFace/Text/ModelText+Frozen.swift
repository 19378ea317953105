extension ModelText {
  /// `, frozen: ["token", "block.*.attention"]`, on lines of their own.
  var frozenText: String {
    if frozen.isEmpty { return "" }
    var lines = [""]
    for name in frozen {
      let last = lines[lines.count - 1]
      let next = last.isEmpty ? "\"\(name)\"" : last + ", \"\(name)\""
      if next.count > 80, !last.isEmpty {
        lines.append("\"\(name)\"")
      } else {
        lines[lines.count - 1] = next
      }
    }
    let indent = String(repeating: " ", count: 23)
    return ",\n\(String(repeating: " ", count: 14))frozen: ["
      + lines.joined(separator: ",\n\(indent) ") + "]"
  }
}
