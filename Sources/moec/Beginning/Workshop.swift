import Driver
import Foundation
import Runner
import SystemFiles
import Toolchain

/// A folder that a person works in: a model, a text, and what an editor and git need.
struct Workshop {
  let folder: String
  private let template: Template
  private let model: String
  /// The text to train on, as it is named in the folder, and one to put there.
  private let text: (name: String, copied: String?)

  /// Errors: the folder is there and not empty, no example, no such text, no modules.
  init(folder: String, template: Template, data: String?) throws {
    self.folder = folder
    self.template = template
    try Self.requireFree(folder)
    let home = try Clone.around(moec: "new")
    let source = "\(home)Examples/\(template.rawValue).swift"
    guard let bytes = try? WholeFile.bytes(of: source) else {
      throw CompilationError(
        message: "\(source) is not there, and the model begins as a copy of it",
        hint: Clone.hint)
    }
    let model = String(decoding: bytes, as: UTF8.self)
    if let data {
      // The folder is to train on it again, which a pipe does not bear.
      _ = try InputFile(path: data)
      let count = try Vocabulary(ofText: data, context: Self.context(of: model)).count
      self.model = model.replacingOccurrences(of: #"Axis("V", 65)"#, with: #"Axis("V", \#(count))"#)
      text = (URL(fileURLWithPath: data).path, nil)
    } else {
      self.model = model
      text = (URL(fileURLWithPath: Corpus.usualPath).lastPathComponent, home + Corpus.usualPath)
    }
  }

  /// The model's number of positions; 1 if it does not say.
  private static func context(of model: String) -> Int {
    let size = model.firstMatch(of: /Axis\("T", ([0-9]+)\)/)?.output.1
    return size.flatMap { Int($0) } ?? 1
  }

  private static func requireFree(_ folder: String) throws {
    guard !folder.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      throw CompilationError(
        message: "the name of the folder has a character that no line shows",
        hint: "name it with letters, digits and the like")
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else { return }
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    if isFolder.boolValue, let names, names.isEmpty { return }
    throw CompilationError(
      message: "\(folder) is there already, and \(isFolder.boolValue ? "not empty" : "a file")",
      hint: "name another folder; nothing was touched")
  }

  /// Makes the folder and all files. Errors: something cannot be written.
  func make() throws {
    let isNew = access(folder, F_OK) != 0
    guard NewFolder.make(folder) == 0 else {
      let error = FileError(operation: "make", path: folder, code: errno)
      let isRefused = [EACCES, EPERM, EROFS].contains(error.code)
      throw CompilationError(
        message: error.message,
        hint: isRefused ? "name a folder in a place where you may write" : error.hint)
    }
    do { try fill() } catch {
      // Half of it would be in the way of the next try.
      for name in ["model.swift", ".gitignore", "README.md", text.name] where !name.contains("/") {
        unlink("\(folder)/\(name)")
      }
      if isNew { rmdir(folder) }
      throw error
    }
    EditorCommands.update(for: "\(folder)/model.swift")
  }

  private func fill() throws {
    try AtomicFile.write(model, to: "\(folder)/model.swift")
    try AtomicFile.write(Self.ignored, to: "\(folder)/.gitignore")
    try AtomicFile.write(readme, to: "\(folder)/README.md")
    if let source = text.copied {
      let file = try AtomicFile(replacing: "\(folder)/\(text.name)")
      try file.write(try WholeFile.bytes(of: source))
      try file.commit()
    }
  }

  /// `EditorCommands` knows by the last line that the file beside it is moec's.
  private static let ignored = """
    build/
    runs/
    *.safetensors
    *.jsonl
    *.html
    *.svg
    *.png
    \(EditorCommands.ignoreLine)

    """

  /// What comes next, to be typed in the folder.
  private func commands(_ moec: String) -> [(line: String, purpose: String)] {
    let library = CompileOutputs.usualLibrary(of: "model.swift")
    let data = ShellWord.quoted(text.name)
    let run = "\(moec) run \(library)"
    let training = "--train --data \(data) --steps 600 --eval-batches 20"
    return [
      ("\(moec) check model.swift", "shapes, sizes, warnings"),
      ("\(moec) compile model.swift", "C in build/model, and \(library)"),
      ("\(run) \(training)", "trains, and keeps what it learnt in runs/model"),
      ("\(run) --generate --weights runs/model/weights.safetensors", "lets it write"),
    ]
  }

  /// What is printed when all is there.
  var report: String {
    let next = commands(Invocation.moec(in: folder)).map(\.line)
    let lines = entering + next
    let made = "model.swift, README.md" + (text.copied == nil ? "" : ", \(text.name)")
    return """
      made \(folder): \(made), and what an editor needs

      Next:
      \(lines.map { "  " + $0 }.joined(separator: "\n"))

      """
  }

  /// What goes into the folder; nothing if one is there.
  private var entering: [String] {
    func resolved(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
    if resolved(folder) == resolved(".") { return [] }
    // A dash at the beginning is an option to cd, and alone the folder before.
    return ["cd \(ShellWord.quoted(folder.hasPrefix("-") ? "./\(folder)" : folder))"]
  }

  private var readme: String {
    let steps = commands("moec").map { "\($0.purpose.capitalizedFirst):\n\n    \($0.line)\n" }
    return """
      # \(URL(fileURLWithPath: folder).lastPathComponent)

      `model.swift` is a language model for moec, begun as the example \(template.rawValue):
      \(template.sentence).

      \(steps.joined(separator: "\n"))
      They take `moec` from `PATH`, where `./install.sh` in a clone of moec puts it; `moec doctor`
      says what else it can use here.

      Functions that several models share, or that make `model.swift` long, go to other Swift files of
      this folder: `moec check .` and `moec compile .` compile all of them together, and
      the library is called like the folder.

      An editor that speaks to sourcekit-lsp completes, documents and checks `model.swift` as it is
      typed: `compile_commands.json` says how it is compiled. That file is of this machine; `moec
      check` and `moec compile` write it anew where it is missing or says what is no longer so.

      """
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
