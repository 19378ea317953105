import ArgumentParser
import Driver
import Exchange
import Foundation
import GraphIR
import HuggingFace
import SystemFiles
import Tokenizer
import Upcycling
import Words

/// `moec import FOLDER -o DIR`.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes a model and its weights of a folder of Hugging Face's transformers.",
    discussion: """
      ARCHITECTURES
        \(Architecture.allCases.map(\.rawValue).joined(separator: ", "))

      EXAMPLES
        moec import SmolLM2-135M-Instruct -o build/smol
        moec import my-mixtral -o build/mixtral --context 256 --batch 4
        moec import SmolLM2 -o build/mixture --experts 4 --chosen 2 --every 2
      """)

  @Argument(
    help: "A folder with config.json and model.safetensors or its shards.", completion: .directory)
  var folder: String

  @Option(
    name: .shortAndLong,
    help: "The folder for model.swift, weights.safetensors and tokenizer.json.",
    completion: .directory)
  var output: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Positions that the model sees at once. (default: its own, at most 1024)", valueName: "n"))
  var context: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Sequences of a training step.", valueName: "n"))
  var batch = 1

  @OptionGroup(title: "A mixture")
  var mixture: MixtureOptions

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Parameters that keep their values, as with 'moec compile'; model.swift says so.",
      valueName: "names"))
  var freeze: [String] = []

  @Flag(help: "Replace what is there.")
  var overwrite = false

  private var frozen: [ParameterPattern] { freeze.flatMap(ParameterPattern.list) }

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output needs a folder, such as smol") }
    for (name, count) in [("--context", context ?? 1), ("--batch", batch)]
    where !(1...1 << 24).contains(count) {
      throw ValidationError("\(name) must be from 1 to \((1 << 24).grouped), not \(count.grouped)")
    }
  }

  func run() throws {
    try reportingErrors {
      let source = try FolderImport(folder: folder, context: context)
      if mixture.shape == nil { try source.checkFrozen(frozen) }
      let model = try mixture.shape.map { try source.model.upcycled($0, path: folder) }
      let text = described(model ?? source.model)
      let upcycling = try model.map { _ in try weights(of: source, forMixture: text) }
      let tokenizer = try source.tokenizer()
      let chat = tokenizer == nil ? [] : try source.chatFiles()
      try checkPlaces(
        (tokenizer == nil ? [] : [places.tokenizer]) + chat.map { "\(output)/\($0.name)" })
      guard NewFolder.make(output) == 0 else {
        throw FileError(operation: "make", path: output, code: errno)
      }
      for (name, bytes) in chat { try replace("\(output)/\(name)", by: bytes) }
      try write(source, text, upcycling, tokenizer)
      upcycling?.tell()
      try printNow(
        report(source, upcycling, hasTokenizer: tokenizer != nil, chat.map(\.name)))
    }
  }

  /// The weights of the mixture that a text describes.
  private func weights(of source: FolderImport, forMixture text: String) throws -> Upcycling {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-import-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try AtomicFile.write(text, to: folder.appendingPathComponent("model.swift").path)
    let graph = try Compilation.onTerminal(folder.path).trace().graph
    return try Upcycling(
      source.weights, into: graph, mixture.drawing.options(granularity: mixture.granularity),
      names: (self.folder, name))
  }

  private var places: (model: String, weights: String, tokenizer: String) {
    ("\(output)/model.swift", "\(output)/weights.safetensors", "\(output)/tokenizer.json")
  }

  /// Nothing that is there is replaced unasked, and never what is read.
  private func checkPlaces(_ others: [String]) throws {
    var claims = FileClaims()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    for name in names { claims.read("\(folder)/\(name)", "a file of the folder") }
    for path in [places.model, places.weights] + others {
      claims.write(path, "a file for --output", mayReplace: overwrite)
    }
    try claims.check()
  }

  private func write(
    _ source: FolderImport, _ text: String, _ upcycling: Upcycling?, _ tokenizer: [UInt8]?
  ) throws {
    var notes = CheckpointNotes(model: name, vocabulary: [], step: 0)
    if let tokenizer {
      notes.tokenizer = try known(tokenizer, source.model)
      try replace(places.tokenizer, by: tokenizer)
    } else {
      printToStandardError("note: \(folder) has no tokenizer.json: name one to 'moec run'")
    }
    try AtomicFile.write(text, to: places.model)
    try Safetensors.write(
      upcycling?.outputs ?? source.weights, metadata: notes.metadata, to: places.weights)
  }

  private func replace(_ path: String, by bytes: [UInt8]) throws {
    let file = try AtomicFile(replacing: path)
    try file.write(bytes)
    try file.commit()
  }

  private func described(_ model: DecoderModel) -> String {
    let origin = URL(fileURLWithPath: folder).lastPathComponent
    return ModelText(
      model, name: name, context: context ?? model.usualContext, batch: batch,
      origin: origin.filter { !$0.isNewline }, frozen: frozen.map(\.text)
    ).text
  }

  /// The tokenizer for the weights' notes; nil, and a note to the user, where moec has not all of it.
  private func known(_ bytes: [UInt8], _ model: DecoderModel) throws -> String? {
    do throws(TokenizerError) {
      let tokenizer = try BytePairTokenizer(json: bytes, path: "\(folder)/tokenizer.json")
      if tokenizer.count <= model.vocabulary { return String(decoding: bytes, as: UTF8.self) }
      printToStandardError(
        "note: tokenizer.json has \(tokenizer.count.grouped) tokens, the model "
          + "\(model.vocabulary.grouped): it is copied, and 'moec run' needs another one")
    } catch {
      printToStandardError("note: \(error.message): it is copied, and 'moec run' cannot use it")
    }
    return nil
  }

  /// The output folder's name, as far as a model may be called so.
  private var name: String {
    let last = URL(fileURLWithPath: output).lastPathComponent
    let kept = last.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    let start = kept.drop { !$0.isLetter }.prefix(40)
    return start.isEmpty ? "imported" : String(start)
  }

  private func report(
    _ source: FolderImport, _ upcycling: Upcycling?, hasTokenizer: Bool, _ chat: [String]
  ) -> String {
    let model = source.model
    let moec = Invocation.moec(in: ".")
    let (file, weights) = (ShellWord.quoted(places.model), ShellWord.quoted(places.weights))
    let names = ["model.swift", "weights.safetensors"] + (hasTokenizer ? ["tokenizer.json"] : [])
    let written = (names + chat).joined(separator: ", ")
    let library = ShellWord.quoted("\(output)/lib\(name).so")
    let more = upcycling.map { upcycling in
      let count = upcycling.outputs.reduce(0) { $0 + $1.shape.reduce(1, *) }
      return ", as a mixture \(count.grouped)"
    }
    let next =
      chat.contains("chat_template.jinja") ? "chat \(library)" : "run \(library) --generate"
    return """
      \(folder): \(model.architecture.rawValue), \(model.depth.of("layer")), \
      \(source.parameterCount.grouped) parameters\(more ?? "")
      wrote \(output): \(written)

      Next:
        \(moec) compile \(file) -o \(library) --generated \(ShellWord.quoted(output + "/c"))
        \(moec) \(next) --weights \(weights)

      """
  }
}
