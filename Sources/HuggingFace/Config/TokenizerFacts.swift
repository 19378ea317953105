import Foundation
import JSON
import SystemFiles

/// What lies beside a model's tokenizer: its chat template, and the names of special tokens that templates ask for.
public enum TokenizerFacts {
  /// Where the template of some weights is.
  public static func template(beside weights: String) -> String {
    folder(of: weights) + "/chat_template.jinja"
  }

  /// Texts such as `bos_token`, of tokenizer_config.json beside the weights; none where there is no such file.
  public static func read(beside weights: String) throws(FolderError) -> [String: String] {
    let path = folder(of: weights) + "/tokenizer_config.json"
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    var facts: [String: String] = [:]
    for member in try ConfigReader.object(path).members ?? [] where member.name.hasSuffix("_token")
    {
      facts[member.name] = member.value.name ?? member.value["content"]?.name
    }
    return facts
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

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
