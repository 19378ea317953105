import ArgumentParser
import Driver
import Exchange
import Foundation
import GraphIR
import HuggingFace
import ModelRuntime
import SystemFiles
import Words

/// `moec export LIB.so --weights FILE -o FOLDER`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model's weights as a folder that Hugging Face's transformers loads.",
    discussion: """
      EXAMPLES
        moec export libsmol.so --weights runs/smol/weights.safetensors -o build/new
        moec export libsmol.so --weights w.safetensors -o build/tuned --like SmolLM2
        moec export liblora.so --weights w.safetensors -o build/adapter --adapter
      """)

  @Argument(help: "The library that 'moec compile' made.", completion: .library)
  var library: String

  @Option(help: "The weights, as 'moec run' saves them.", completion: .weights)
  var weights: String

  @Option(name: .shortAndLong, help: "The folder to write.", completion: .directory)
  var output: String

  @Option(
    help: ArgumentHelp(
      "Take tokenizer and token numbers from the folder that the model came from.",
      valueName: "folder"),
    completion: .directory)
  var like: String?

  @Flag(
    help: """
      Write the low-rank adapters alone, as PEFT loads them; --like names the folder of their model. \
      Without it they are merged.
      """)
  var adapter = false

  @Flag(help: "Replace what is there.")
  var overwrite = false

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output needs a folder, such as smol-tuned") }
  }

  func run() throws {
    try reportingErrors { adapter ? try exportAdapter() : try exportModel() }
  }

  private func exportModel() throws {
    let export = try FolderExport(try decoder(), weights: weights)
    let files = try files(export)
    try write(files, Self.weightsName, export.writeWeights)
    let names = files.map(\.name).joined(separator: ", ")
    try printNow(
      "wrote \(output): \(export.model.architecture.rawValue), \(names), \(Self.weightsName)\n")
  }

  private func exportAdapter() throws {
    let manifest = try ModelLibrary(path: library).manifest
    let whole = manifest.parameters.filter { $0.hasGradient && $0.adapter == nil }.map(\.name)
    if manifest.adapterScale != nil, !whole.isEmpty {
      throw FolderError.noAdapterPlace("\(NameList(whole)) learned whole beside them")
    }
    let decoder = try decoder()
    let export = try AdapterExport(decoder, weights: weights)
    let name = "adapter_model.safetensors"
    try write(
      [(name: "adapter_config.json", bytes: export.config(base: like))], name, export.writeWeights)
    try printNow(
      "wrote \(output): \(decoder.architecture.rawValue), adapter_config.json, \(name)\n")
  }

  /// Writes files and then the weights, if there is nothing in the way.
  private func write(
    _ files: [(name: String, bytes: [UInt8])], _ last: String,
    _ writeWeights: (String) throws -> Void
  ) throws {
    try checkPlaces(files.map(\.name) + [last])
    try checkKind(last)
    guard NewFolder.make(output) == 0 else {
      throw FileError(operation: "make", path: output, code: errno)
    }
    for (name, bytes) in files {
      let file = try AtomicFile(replacing: "\(output)/\(name)")
      try file.write(bytes)
      try file.commit()
    }
    try writeWeights("\(output)/\(last)")
  }

  /// Errors: a whole model where an adapter is to be, or the other way around; one would be taken for a part of the
  /// other.
  private func checkKind(_ last: String) throws {
    let other = last == Self.weightsName ? "adapter_config.json" : Self.weightsName
    if access("\(output)/\(other)", F_OK) == 0 {
      throw OtherExport(path: "\(output)/\(other)", isAdapter: last == Self.weightsName)
    }
  }

  private static let weightsName = "model.safetensors"

  /// The decoder that the library's model is. Errors: it carries no model, or that is none.
  private func decoder() throws -> DecoderModel {
    let sources = try EmbeddedSources(library: library).files
    let swift = sources.filter { $0.path.hasSuffix(".swift") }.map { file in
      (name: file.path.split(separator: "/").last.map(String.init) ?? "", text: file.text)
    }
    guard swift.contains(where: { $0.name == "model.swift" }) else {
      throw EmbeddedSourcesError.absent(path: library)
    }
    let chosen = try ModelLibrary(path: library).manifest.settings
    let graph = try Self.graph(of: swift, chosen)
    let decoder = try DecoderModel(graph: graph)
    let text = ModelText(
      decoder, name: "expected", context: graph.context.size, batch: graph.batch.size, origin: "")
    try decoder.check(graph, try Self.graph(of: [("model.swift", text.text)]))
    return decoder
  }

  /// The graph of a model in these files, with what was chosen of its settings.
  private static func graph(
    of files: [(name: String, text: String)], _ settings: [Manifest.Setting] = []
  ) throws -> Graph {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-export-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      try AtomicFile.write(text, to: folder.appendingPathComponent(name).path)
    }
    var compilation = Compilation.onTerminal(folder.path)
    compilation.settings = settings.map { "\($0.name)=\($0.value)" }
    return try compilation.trace().graph
  }

  // MARK: - Files

  /// What a tokenizer of the folder that the model came from may consist of.
  private static let tokenizerFiles = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    "vocab.json", "merges.txt", "added_tokens.json", "generation_config.json",
  ]

  private func files(_ export: FolderExport) throws -> [(name: String, bytes: [UInt8])] {
    let config = like.map { $0 + "/config.json" }
    var files = [(name: "config.json", bytes: try export.config(like: config))]
    if let like {
      for name in Self.tokenizerFiles where access("\(like)/\(name)", F_OK) == 0 {
        files.append((name, try WholeFile.bytes(of: "\(like)/\(name)")))
      }
    } else if let tokenizer = export.tokenizer {
      files.append(("tokenizer.json", Array(tokenizer.utf8)))
      let kind = "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}\n"
      files.append(("tokenizer_config.json", Array(kind.utf8)))
    }
    return files
  }

  private func checkPlaces(_ names: [String]) throws {
    var claims = FileClaims()
    claims.read(library, "the library")
    claims.read(weights, "--weights")
    for name in try like.map(FileManager.default.contentsOfDirectory(atPath:)) ?? [] {
      claims.read("\(like ?? "")/\(name)", "a file of --like")
    }
    for name in names {
      let path = "\(output)/\(name)"
      claims.write(path, "a file for --output", mayReplace: overwrite)
    }
    try claims.check()
  }
}

/// A folder that holds what must not lie beside an export.
private struct OtherExport: ExplainedError {
  let path: String
  /// Whether an adapter is there, and not a whole model.
  let isAdapter: Bool

  var message: String {
    "\(path) is of \(isAdapter ? "an adapter, which would be put on top of the model" : "a whole model")"
  }
  var hint: String { "name another folder; nothing was touched" }
}
