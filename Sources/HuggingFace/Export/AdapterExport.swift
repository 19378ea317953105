import Exchange
import JSON

/// The low-rank adapters of a weights file as PEFT has them: adapter_config.json, adapter_model.safetensors.
///
/// Several of ours may be parts of one matrix of theirs, as queries, keys and values of GPT-2 are, and gates
/// and ups of stacked experts: then ranks add up, and each part keeps its own columns.
public struct AdapterExport {
  /// One of theirs, and those of ours that it consists of.
  private struct Group {
    var place: AdapterPlace
    var parts: [(place: AdapterPlace, pair: AdaptedWeights.Pair)]
    var rank: Int { parts.reduce(0) { $0 + $1.pair.rank } }
  }

  private let model: DecoderModel
  private let adapted: AdaptedWeights
  private let places: [AdapterPlace]
  private let groups: [Group]

  /// Errors: an unreadable file, one without adapters, or adapters that PEFT's layout has no place for.
  public init(_ model: DecoderModel, weights path: String) throws(FolderError) {
    self.model = model
    adapted = try FolderExport.opened(path)
    if adapted.pairs.isEmpty { throw .badAdapters(.none(path: path)) }
    places = model.adapterPlaces()
    var left = adapted.pairs
    var (order, groups): ([String], [String: Group]) = ([], [:])
    for place in places {
      guard let pair = left.removeValue(forKey: place.ours) else { continue }
      if groups[place.target] == nil { order.append(place.target) }
      groups[place.target, default: Group(place: place, parts: [])].parts.append((place, pair))
    }
    if !left.isEmpty {
      throw .noAdapterPlace("transformers has no weight for \(NameList(left.keys.sorted()))")
    }
    self.groups = order.compactMap { groups[$0] }
  }

  // MARK: - The config

  /// The adapter_config.json; `base` is the folder of the model that the adapters are for.
  public func config(base: String?) -> [UInt8] {
    let ranks = Dictionary(grouping: groups, by: \.rank).mapValues(\.count)
    let usual = ranks.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 1
    let others = groups.filter { $0.rank != usual }
    func pattern(_ value: (Group) -> JSON) -> JSON {
      .object(others.map { .init(key: Array($0.place.target.utf8), value: value($0)) })
    }
    let json = JSON.members([
      "peft_type": .text("LORA"), "task_type": .text("CAUSAL_LM"),
      "base_model_name_or_path": base.map(JSON.text) ?? .null,
      "r": .count(usual), "lora_alpha": alpha(usual), "lora_dropout": .numeral("0.0"),
      "target_modules": .array(targets(isParameter: false).map(JSON.text)),
      "target_parameters": parameters,
      "rank_pattern": pattern { .count($0.rank) },
      "alpha_pattern": pattern { alpha($0.rank) },
      "fan_in_fan_out": .bool(model.architecture == .gpt2), "bias": .text("none"),
      "init_lora_weights": .bool(true), "inference_mode": .bool(true),
      "use_rslora": .bool(false), "use_dora": .bool(false),
    ])
    return json.indented + [UInt8(ascii: "\n")]
  }

  private var parameters: JSON? {
    let targets = targets(isParameter: true)
    return targets.isEmpty ? nil : .array(targets.map(JSON.text))
  }

  private func alpha(_ rank: Int) -> JSON {
    let alpha = adapted.scale * Double(rank)
    return Int(exactly: alpha).map(JSON.count) ?? .numeral("\(alpha)")
  }

  /// What PEFT is to look for: `q_proj` where it stands for all of that name, whole names otherwise.
  private func targets(isParameter: Bool) -> [String] {
    let chosen = groups.map(\.place).filter { $0.isParameter == isParameter }.map(\.target)
    let all = Set(places.filter { $0.isParameter == isParameter }.map(\.target))
    let taken = Set(chosen)
    var seen: Set<String> = []
    return chosen.map { target in
      let short = Self.short(target, isParameter)
      let alike = all.filter { $0 == short || $0.hasSuffix("." + short) }
      // Beside stacked experts PEFT takes `up_proj` alone for theirs.
      let isOfExperts = !isParameter && !model.sparse.isEmpty && target.contains(".mlp.")
      return alike.isSubset(of: taken) && !isOfExperts ? short : target
    }.filter { seen.insert($0).inserted }
  }

  /// `q_proj`, and of a parameter what its module is called too: `mlp.experts.down_proj`.
  private static func short(_ target: String, _ isParameter: Bool) -> String {
    target.split(separator: ".").suffix(isParameter ? 3 : 1).joined(separator: ".")
  }

  // MARK: - The tensors

  /// Writes adapter_model.safetensors, in float32.
  public func writeWeights(to path: String) throws {
    try Safetensors.write(outputs, metadata: ["format": "pt"], to: path)
  }

  private var outputs: [Safetensors.Output] {
    groups.flatMap { group in
      let (experts, rank) = (group.place.experts, group.rank)
      let name = "base_model.model.\(module(of: group.place))."
      let inputs = group.parts[0].pair.a.shape.last ?? 1
      return [
        Safetensors.Output(name: name + "lora_A.weight", shape: [rank * experts, inputs]) {
          try first(group, inputs)
        },
        Safetensors.Output(
          name: name + "lora_B.weight", shape: [group.place.outputs, rank * experts]
        ) { try second(group) },
      ]
    }
  }

  /// Of two parameters of one module PEFT puts the second around the first.
  private func module(of place: AdapterPlace) -> String {
    let isInner =
      place.isParameter && place.target.hasSuffix(".gate_up_proj")
      && groups.contains {
        $0.place.module == place.module && $0.place.target != place.target
      }
    return place.module + (isInner ? ".base_layer" : "")
  }

  /// [E r, I]: all rows of an expert, those of one part after those of the other.
  private func first(_ group: Group, _ inputs: Int) throws -> [Float] {
    let parts = try group.parts.map { (try adapted.file.numbers($0.pair.a), $0.pair.rank * inputs) }
    return (0..<group.place.experts).flatMap { expert in
      parts.flatMap { numbers, size in numbers[expert * size..<(expert + 1) * size] }
    }
  }

  /// [O, r E]: number q of expert e is column q E + e, as PEFT reads it.
  private func second(_ group: Group) throws -> [Float] {
    let (experts, outputs) = (group.place.experts, group.place.outputs)
    let width = group.rank * experts
    var all = [Float](repeating: 0, count: outputs * width)
    var offset = 0
    for (place, pair) in group.parts {
      let numbers = try adapted.file.numbers(pair.b)
      let count = pair.b.shape[pair.b.shape.count - 2]
      for index in numbers.indices {
        let (row, rank) = (index / pair.rank, index % pair.rank)
        let (expert, output) = (row / count, row % count)
        let column = (offset + rank) * experts + expert
        all[(place.first + place.stride * output) * width + column] = numbers[index]
      }
      offset += pair.rank
    }
    return all
  }
}
