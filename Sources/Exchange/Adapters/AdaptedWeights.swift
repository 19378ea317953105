import SystemFiles

/// A weights file of a model with low-rank adapters, with each weight as the adapter beside it makes it:
/// w + scale b a.
public struct AdaptedWeights {
  /// An adapter's two tensors.
  public struct Pair: Sendable {
    /// [r, I], or [E, r, I] by expert.
    public var a: Safetensors.Tensor
    /// [O, r], or [E, O, r].
    public var b: Safetensors.Tensor
    public var rank: Int { a.shape[a.shape.count - 2] }
  }

  public let file: Safetensors
  /// α / r.
  public let scale: Double
  /// The adapters by the names of their weights.
  public let pairs: [String: Pair]

  /// Finds the adapters among a file's tensors. Errors: a part without the other or without a weight, one of
  /// another shape, or adapters without the note of their scale.
  public init(_ file: Safetensors) throws(AdapterError) {
    self.file = file
    let tensors = Dictionary(file.tensors.map { ($0.name, $0) }) { first, _ in first }
    let parts = file.tensors.filter { Self.isPart($0.name) && !Self.isOfTraining($0.name) }
    guard !parts.isEmpty else {
      (scale, pairs) = (1, [:])
      return
    }
    guard let scale = file.metadata["adapter_scale"].flatMap({ Double($0) }), scale.isFinite else {
      throw .noScale(path: file.path)
    }
    var pairs: [String: Pair] = [:]
    for part in parts {
      let stem = String(part.name.dropLast(7))
      guard let a = tensors[stem + ".lora_a"], let b = tensors[stem + ".lora_b"],
        let weight = tensors[stem + ".weight"] ?? tensors[stem],
        Self.fits(a.shape, b.shape, weight.shape), a.type.isReal, b.type.isReal
      else { throw .unfit(path: file.path, name: part.name) }
      pairs[weight.name] = Pair(a: a, b: b)
    }
    (self.scale, self.pairs) = (scale, pairs)
  }

  /// Whether a tensor's name is that of a part of an adapter.
  public static func isPart(_ name: String) -> Bool {
    name.hasSuffix(".lora_a") || name.hasSuffix(".lora_b")
  }

  private static func isOfTraining(_ name: String) -> Bool {
    Checkpoint.trainingPrefixes.contains { name.hasPrefix($0) }
  }

  private static func fits(_ a: [Int], _ b: [Int], _ weight: [Int]) -> Bool {
    let count = weight.count
    guard count >= 2, a.count == count, b.count == count else { return false }
    let stack = weight.prefix(count - 2)
    return a.prefix(count - 2) == stack && b.prefix(count - 2) == stack
      && a[count - 1] == weight[count - 1] && b[count - 2] == weight[count - 2]
      && a[count - 2] == b[count - 1]
  }

  /// Some neighbouring numbers of a tensor, those of a weight with what its adapter adds.
  public func numbers(
    _ tensor: Safetensors.Tensor, _ range: Range<Int>
  ) throws(SafetensorsError) -> [Float] {
    var numbers = try file.numbers(tensor, range)
    guard let pair = pairs[tensor.name], !range.isEmpty else { return numbers }
    let (inputs, rank) = (tensor.shape[tensor.shape.count - 1], pair.rank)
    let outputs = tensor.shape[tensor.shape.count - 2]
    // The rows of all experts are rows of one matrix; those of a are by expert.
    let rows = range.lowerBound / inputs..<(range.upperBound + inputs - 1) / inputs
    let b = try file.numbers(pair.b, rows.lowerBound * rank..<rows.upperBound * rank)
    var (expert, a): (Int, [Float]) = (-1, [])
    for row in rows {
      if row / outputs != expert {
        expert = row / outputs
        a = try file.numbers(pair.a, expert * rank * inputs..<(expert + 1) * rank * inputs)
      }
      let factors = b[(row - rows.lowerBound) * rank..<(row - rows.lowerBound + 1) * rank]
      let columns = range.clamped(to: row * inputs..<(row + 1) * inputs)
      for place in columns {
        var sum = 0.0
        for (index, factor) in factors.enumerated() {
          sum += Double(factor) * Double(a[index * inputs + place - row * inputs])
        }
        numbers[place - range.lowerBound] = Float(
          Double(numbers[place - range.lowerBound]) + scale * sum)
      }
    }
    return numbers
  }

  private static let portion = 1 << 18

  /// The weights with the adapters in them, and nothing of training: what the model without adapters loads.
  public var outputs: [Safetensors.Output] {
    file.tensors.filter { !Self.isPart($0.name) && !Self.isOfTraining($0.name) }.map { tensor in
      let count = tensor.shape.reduce(1, *)
      let parts = stride(from: 0, to: count, by: Self.portion).map { start in
        { try self.numbers(tensor, start..<min(start + Self.portion, count)) }
      }
      return Safetensors.Output(name: tensor.name, shape: tensor.shape, parts: parts)
    }
  }

  /// The file's notes, without those of adapters.
  public var metadata: [String: String] {
    file.metadata.filter { $0.key != "adapter_scale" && $0.key != "run" }
  }
}

/// Why adapters cannot be made part of the weights.
public enum AdapterError: ExplainedError, Equatable {
  /// A file with adapters that does not say how they are scaled.
  case noScale(path: String)
  /// A part without the other one or without its weight, or of another shape.
  case unfit(path: String, name: String)
  /// A file without any.
  case none(path: String)

  public var message: String {
    switch self {
    case .noScale(let path): "\(path) has adapters, and no note of their scale"
    case .unfit(let path, let name):
      "\(path): \(name) has no other part or no weight that it fits"
    case .none(let path): "\(path) has no adapters"
    }
  }

  public var hint: String {
    switch self {
    case .noScale, .unfit: "take the file as 'moec run' saved it"
    case .none: "a library that 'moec compile --lora' made saves them"
    }
  }
}
