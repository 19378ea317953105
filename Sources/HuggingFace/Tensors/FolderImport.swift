import Exchange
import Foundation
import JSON
import SystemFiles
import Words

/// A folder of Hugging Face's that was looked through, ready to be written as a model of moec's.
public struct FolderImport {
  public let model: DecoderModel
  /// Tensors that are left out, as they say nothing that the others do not.
  public let leftOut: [String]
  private let tensors: FolderTensors
  private let links: [TensorLink]
  private let folder: String

  /// Reads config.json and the headers of the weights. Errors: whatever is missing, left over or not
  /// understood, all of it at once.
  public init(folder: String, context: Int? = nil) throws(FolderError) {
    self.folder = folder
    let config = folder + "/config.json"
    guard FileManager.default.fileExists(atPath: config) else {
      throw .missing(
        path: folder, what: "config.json",
        hint: "name a folder as transformers' save_pretrained writes it")
    }
    model = try DecoderModel(config: config)
    tensors = try FolderTensors(folder: folder)
    let style = FolderImport.style(of: tensors.names, model.architecture)
    let positions = min(context ?? model.usualContext, model.longest)
    links = model.links(style, context: model.architecture == .gpt2 ? positions : 0)
    leftOut = try FolderImport.check(tensors, links, model)
  }

  /// How many learned numbers it has.
  public var parameterCount: Int {
    var counted: Set<String> = []
    return links.reduce(0) { sum, link in
      counted.insert(link.ours).inserted ? sum + link.ourShape.reduce(1, *) : sum
    }
  }

  /// Checks that each pattern fits a parameter of the model. Error: the first that does not.
  public func checkFrozen(_ patterns: [ParameterPattern]) throws(FolderError) {
    let names = links.map(\.ours)
    for pattern in patterns where !names.contains(where: pattern.fits) {
      throw .noSuchParameter(pattern: pattern.text, names: names)
    }
    if names.allSatisfy({ name in patterns.contains { $0.fits(name) } }) { throw .allFrozen }
  }

  /// How the names are written, by the first that tells.
  private static func style(of names: Set<String>, _ architecture: Architecture) -> NameStyle {
    var style = NameStyle.saved(architecture)
    let first = architecture == .gpt2 ? "wte.weight" : "embed_tokens.weight"
    if names.contains(first) { style.prefix = "" }
    if names.contains(where: { $0.hasSuffix(".mlp.experts.gate_up_proj") }) {
      style.isStacked = true
    }
    return style
  }

  // MARK: - Fitting

  /// Tensors that are not needed. Errors: those that are missing, of another shape, or unknown.
  private static func check(
    _ tensors: FolderTensors, _ links: [TensorLink], _ model: DecoderModel
  ) throws(FolderError) -> [String] {
    var problems: [String] = []
    var missing: [String] = []
    var used: Set<String> = []
    for link in links where used.insert(link.theirs).inserted {
      guard let shape = tensors.shape(of: link.theirs), let type = tensors.type(of: link.theirs)
      else {
        missing.append(link.theirs)
        continue
      }
      if shape != link.theirShape {
        problems.append("\(link.theirs) is \(shape), and config.json makes it \(link.theirShape)")
      }
      if !type.isReal { problems.append("\(link.theirs) is \(type.rawValue), not F32 or BF16") }
    }
    if !missing.isEmpty { problems.insert("missing: \(NameList(missing))", at: 0) }
    let rest = tensors.names.subtracting(used).sorted()
    var unknown = rest.filter { !FolderImport.isIdle($0, model) }
    if model.isTied, let head = unknown.firstIndex(of: "lm_head.weight") {
      unknown.remove(at: head)
      if problems.isEmpty, try !FolderImport.isTable("lm_head.weight", tensors, links) {
        problems.append(
          "lm_head.weight is not the token table, and config.json ties them (tie_word_embeddings)")
      }
    }
    if !unknown.isEmpty { problems.append("nothing is known of \(NameList(unknown))") }
    if !problems.isEmpty { throw .unfit(path: tensors.path, problems) }
    return rest
  }

  /// Buffers that any program makes itself.
  private static func isIdle(_ name: String, _ model: DecoderModel) -> Bool {
    if name.hasSuffix(".rotary_emb.inv_freq") { return true }
    return model.architecture == .gpt2
      && (name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias"))
  }

  /// Whether a tensor has the numbers of the token table.
  private static func isTable(
    _ name: String, _ tensors: FolderTensors, _ links: [TensorLink]
  ) throws(FolderError) -> Bool {
    guard let table = links.first(where: { $0.ours == "token.weight" }),
      tensors.shape(of: name) == table.theirShape
    else { return false }
    for start in stride(from: 0, to: table.count, by: portion) {
      let range = start..<min(start + portion, table.count)
      if try tensors.numbers(name, range) != tensors.numbers(table.theirs, range) { return false }
    }
    return true
  }

  // MARK: - Writing

  /// Numbers that are read at once.
  private static let portion = 1 << 20

  /// Writes the weights under moec's names; they are read part by part.
  public func writeWeights(to path: String, notes: CheckpointNotes) throws {
    try Safetensors.write(weights, metadata: notes.metadata, to: path)
  }

  /// The weights under moec's names, to be read part by part.
  public var weights: [Safetensors.Output] {
    var order: [String] = []
    var groups: [String: [TensorLink]] = [:]
    for link in links {
      if groups[link.ours] == nil { order.append(link.ours) }
      groups[link.ours, default: []].append(link)
    }
    return order.map { name in
      let parts = groups[name] ?? []
      let sorted = parts.sorted { ($0.expert ?? 0) < ($1.expert ?? 0) }
      return Safetensors.Output(
        name: name, shape: sorted[0].ourShape, parts: sorted.flatMap(reads))
    }
  }

  /// What reads a link's numbers, one after the other.
  private func reads(_ link: TensorLink) -> [() throws -> [Float]] {
    let tensors = tensors
    guard link.isContiguous else {
      return [
        {
          let span = try tensors.numbers(link.theirs, link.from..<link.from + link.span)
          return link.gathered(span)
        }
      ]
    }
    return stride(from: 0, to: link.count, by: Self.portion).map { start in
      let end = min(start + Self.portion, link.count)
      return { try tensors.numbers(link.theirs, link.from + start..<link.from + end) }
    }
  }

  /// The bytes of the folder's tokenizer.json; nil if it has none. Error: it cannot be read.
  public func tokenizer() throws(FolderError) -> [UInt8]? { try bytes(of: "tokenizer.json") }

  /// The bytes of a file of the folder; nil if it is not there.
  func bytes(of name: String) throws(FolderError) -> [UInt8]? {
    let path = "\(folder)/\(name)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do throws(FileError) {
      return try WholeFile.bytes(of: path)
    } catch {
      throw .unreadable(error)
    }
  }
}
