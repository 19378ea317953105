import Foundation
import SystemFiles
import Toolchain

/// `compile_commands.json` beside a model: how it is compiled, from which sourcekit-lsp gives any
/// editor completion, documentation and errors.
enum EditorCommands {
  /// An entry of the file, in Clang's format.
  private struct Entry: Codable, Equatable {
    var directory: String
    var file: String
    var arguments: [String]

    /// - Parameter models: the files that are compiled together, `model` among them.
    init(model: String, of models: [String], folder: String, modules: String) {
      directory = folder
      file = model
      arguments = SwiftModelCompiler.editorCommand(models: models, modules: modules)
    }

    /// Whether moec wrote it.
    var isOurs: Bool {
      arguments.starts(with: SwiftModelCompiler.editorCommand(model: "", modules: "").prefix(3))
        && file.hasSuffix(".swift")
    }
  }

  static let name = "compile_commands.json"

  /// Stands in the `.gitignore` of a folder whose file is moec's to write.
  static let ignoreLine = "/\(name)"

  /// Writes the file anew, where it is moec's, if it does not say how `model`, a file or a folder, is
  /// compiled by this moec. Models in it that are gone are left out. An editor is no reason to fail.
  static func update(for model: String) {
    guard let files = try? ModelFiles(model) else { return }
    let folder = URL(fileURLWithPath: files.main).deletingLastPathComponent()
    guard let modules = try? ModelModules.models().lastingFolder.path,
      let old = entries(in: folder)
    else { return }
    let together = files.all.map { URL(fileURLWithPath: $0).lastPathComponent }
    let others = old.map(\.file).filter {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
    }
    // What a folder is compiled of is all that is in it.
    let names = Set(files.helpers.isEmpty ? others + together : together).sorted()
    let new = names.map { name in
      Entry(
        model: name, of: files.helpers.isEmpty ? [name] : together, folder: folder.path,
        modules: modules)
    }
    guard new != old else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(new) else { return }
    try? AtomicFile.write(
      String(decoding: data, as: UTF8.self) + "\n", to: folder.appendingPathComponent(name).path)
  }

  /// What is in the file; nothing if it is not there and would be moec's, and nil if it is somebody
  /// else's.
  private static func entries(in folder: URL) -> [Entry]? {
    guard let data = try? Data(contentsOf: folder.appendingPathComponent(name)) else {
      let ignored = try? String(
        contentsOf: folder.appendingPathComponent(".gitignore"), encoding: .utf8)
      let isOurs = ignored?.split(separator: "\n").contains(Substring(ignoreLine)) ?? false
      return isOurs ? [] : nil
    }
    guard let entries = try? JSONDecoder().decode([Entry].self, from: data),
      entries.allSatisfy(\.isOurs)
    else { return nil }
    return entries
  }
}
