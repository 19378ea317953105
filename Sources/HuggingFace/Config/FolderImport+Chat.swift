import JSON

extension FolderImport {
  /// Files that a chat needs, by name: the template, by itself or out of tokenizer_config.json, and that one.
  public func chatFiles() throws(FolderError) -> [(name: String, bytes: [UInt8])] {
    var files: [(name: String, bytes: [UInt8])] = []
    for name in ["tokenizer_config.json", "chat_template.jinja"] {
      if let bytes = try bytes(of: name) { files.append((name, bytes)) }
    }
    guard !files.contains(where: { $0.name == "chat_template.jinja" }), let config = files.first,
      let value = try? JSON.parse(config.bytes)["chat_template"]
    else { return files }
    // One, or several by name, of which the usual one is called default.
    let named = value.elements?.first { $0["name"]?.name == "default" } ?? value.elements?.first
    if let text = value.string ?? named?["template"]?.string {
      files.append(("chat_template.jinja", text))
    }
    return files
  }
}
