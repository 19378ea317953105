import Exchange
import JSON
import SystemFiles

/// A model's weights as a folder of transformers, adapters merged into them.
public struct FolderExport {
  public let model: DecoderModel
  private let adapted: AdaptedWeights
  private let links: [TensorLink]
  private var file: Safetensors { adapted.file }

  /// Checks that a file has every parameter of the decoder, in its shape. Errors: unreadable, or unfit.
  public init(_ model: DecoderModel, weights path: String) throws(FolderError) {
    self.model = model
    links = model.links(.saved(model.architecture), context: model.longest)
    adapted = try Self.opened(path)
    let found = Dictionary(adapted.file.tensors.map { ($0.name, $0) }) { first, _ in first }
    var problems: [String] = []
    var missing: [String] = []
    var seen: Set<String> = []
    for link in links where seen.insert(link.ours).inserted {
      guard let tensor = found[link.ours] else {
        missing.append(link.ours)
        continue
      }
      if tensor.shape != link.ourShape {
        problems.append("\(link.ours) is \(tensor.shape), and the model makes it \(link.ourShape)")
      }
      if !tensor.type.isReal { problems.append("\(link.ours) is \(tensor.type.rawValue)") }
    }
    if !missing.isEmpty { problems.insert("missing: \(NameList(missing))", at: 0) }
    if !problems.isEmpty { throw .unfit(path: path, problems) }
  }

  /// A weights file with its adapters, if it has any.
  static func opened(_ path: String) throws(FolderError) -> AdaptedWeights {
    let file: Safetensors
    do {
      file = try Safetensors(path: path)
    } catch {
      throw .badWeights(error)
    }
    do {
      return try AdaptedWeights(file)
    } catch {
      throw .badAdapters(error)
    }
  }

  /// The tokenizer.json that the weights bring along, if they do.
  public var tokenizer: String? { file.metadata["tokenizer"] }

  /// The config.json, with keys of another one that change no number, such as the ends of texts.
  public func config(like other: String? = nil) throws(FolderError) -> [UInt8] {
    var others: [JSON.Member] = []
    if let other {
      let members = try ConfigReader.object(other).members ?? []
      others = members.filter { Self.kept.contains($0.name) }
    }
    return model.config(others: others).indented + [UInt8(ascii: "\n")]
  }

  /// Keys that are another config's to say.
  private static let kept: Set<String> = [
    "bos_token_id", "eos_token_id", "pad_token_id", "tokenizer_class", "task_specific_params",
  ]

  /// Writes model.safetensors, in float32.
  public func writeWeights(to path: String) throws {
    try Safetensors.write(outputs, metadata: ["format": "pt"], to: path)
  }

  private static let portion = 1 << 20

  private var outputs: [Safetensors.Output] {
    let tensors = Dictionary(file.tensors.map { ($0.name, $0) }) { first, _ in first }
    var order: [String] = []
    var groups: [String: [TensorLink]] = [:]
    for link in links {
      if groups[link.theirs] == nil { order.append(link.theirs) }
      groups[link.theirs, default: []].append(link)
    }
    return order.map { name in
      let group = (groups[name] ?? []).sorted { $0.block < $1.block }
      var parts: [() throws -> [Float]] = []
      var rest = group[...]
      while let first = rest.first {
        let block = rest.prefix { $0.block == first.block }
        rest = rest.dropFirst(block.count)
        parts += self.parts(Array(block), tensors)
      }
      return Safetensors.Output(name: name, shape: group[0].theirShape, parts: parts)
    }
  }

  /// The numbers of neighbouring places of one of theirs: one of ours as it is, or some that take turns.
  private func parts(
    _ links: [TensorLink], _ tensors: [String: Safetensors.Tensor]
  ) -> [() throws -> [Float]] {
    let adapted = adapted
    func numbers(_ link: TensorLink, _ range: Range<Int>) throws -> [Float] {
      guard let tensor = tensors[link.ours] else { return [] }
      let start = (link.expert ?? 0) * link.count
      return try adapted.numbers(tensor, start + range.lowerBound..<start + range.upperBound)
    }
    if links.count == 1, links[0].isContiguous {
      return stride(from: 0, to: links[0].count, by: Self.portion).map { start in
        let end = min(start + Self.portion, links[0].count)
        return { try numbers(links[0], start..<end) }
      }
    }
    let count = links.reduce(0) { $0 + $1.count }
    let first = links.map(\.from).min() ?? 0
    return [
      {
        var block = [Float](repeating: 0, count: count)
        for link in links {
          link.scatter(try numbers(link, 0..<link.count), into: &block, at: link.from - first)
        }
        return block
      }
    ]
  }
}
