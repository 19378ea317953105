import ModelRuntime

/// What is saved beside the weights, so that text can be generated and training go on.
public struct CheckpointNotes: Equatable, Sendable {
  /// The model's name.
  public var model: String
  /// Characters in the order of their tokens; empty if the file has none.
  public var vocabulary: [Unicode.Scalar]
  /// The `tokenizer.json` whose tokens the model knows; nil where tokens are characters.
  public var tokenizer: String?
  /// How many training steps the weights have seen.
  public var step: Int
  /// The seed of the run, so that a resumed one draws the same batches; nil if not noted.
  public var seed: UInt64?
  /// The learning rate of the run; nil if not noted.
  public var learningRate: Float?
  /// Whatever else the run needs to go on, as the runner writes it; nil if nothing was noted.
  public var run: String?
  /// Sizes of the model's axes by name, so that other tools know them; empty if not noted.
  public var axes: [String: Int] = [:]
  /// What was chosen of the model as it was compiled; empty if nothing could be.
  public var settings: [Manifest.Setting] = []
  /// α / r of the adapters among the tensors; nil where there are none.
  public var adapterScale: Double?

  public init(
    model: String, vocabulary: [Unicode.Scalar], tokenizer: String? = nil, step: Int,
    seed: UInt64? = nil, learningRate: Float? = nil, run: String? = nil
  ) {
    self.model = model
    self.vocabulary = vocabulary
    self.tokenizer = tokenizer
    self.step = step
    self.seed = seed
    self.learningRate = learningRate
    self.run = run
  }
}

/// A weights file that was checked against a model's manifest: `NAME` for each parameter and state, and
/// in a checkpoint also `adam_m.NAME`, `adam_v.NAME` and `adam_t.NAME` for each parameter with a gradient,
/// and `ema.NAME` of all where the run averages them.
public struct Checkpoint {
  /// What is taken from the file.
  public enum Contents: Sendable {
    /// Parameters; what training keeps beside them is ignored.
    case weights
    /// Parameters, moments, step counts and the step.
    case training
  }

  public let notes: CheckpointNotes
  public let contents: Contents
  /// Parameters of the model that the file does not have; empty unless that was allowed.
  public let missing: [String]
  /// Whether the model has adapters and the file none: they start as the model declares them.
  public let startsAdapters: Bool
  /// Whether the file has the average of each parameter too.
  public let hasAverage: Bool
  private let file: Safetensors

  static let prefixes: [(kind: Model.Kind, prefix: String)] = [
    (.value, ""), (.firstMoment, "adam_m."), (.secondMoment, "adam_v."), (.stepCounts, "adam_t."),
  ]
  static let averagePrefix = "ema."
  /// Of what training keeps beside the parameters.
  public static let trainingPrefixes = prefixes.dropFirst().map(\.prefix) + [averagePrefix]

  /// Opens a file and checks it against a model. Errors: unreadable, malformed, or unfit with
  /// every missing, extra, misshapen and mistyped tensor named. With `allowMissing` a file need not
  /// have all parameters, only one or more.
  public init(
    path: String, contents: Contents, manifest: Manifest, allowMissing: Bool = false
  ) throws(SafetensorsError) {
    file = try Safetensors(path: path)
    self.contents = contents
    var problems = Checkpoint.compare(file, manifest, contents)
    let present = Set(file.tensors.map(\.name))
    hasAverage = Checkpoint.hasAverage(present, manifest)
    let adapters = manifest.parameters.filter { $0.adapter != nil }.map(\.name)
    let startsAdapters =
      contents == .weights && !adapters.isEmpty && adapters.allSatisfy { !present.contains($0) }
    let expected = manifest.parameters.filter { !startsAdapters || $0.adapter == nil }.map(\.name)
    if startsAdapters {
      let anew = Set(adapters)
      problems.removeAll { if case .missing(let name) = $0 { anew.contains(name) } else { false } }
    }
    self.startsAdapters = startsAdapters
    let absent = expected.filter { !present.contains($0) }
    let isPartial = allowMissing && absent.count < manifest.parameters.count
    if isPartial { problems.removeAll { absent.map(SafetensorsProblem.missing).contains($0) } }
    missing = isPartial ? absent : []
    notes = CheckpointNotes(file.metadata, contents, manifest, &problems)
    if let problem = notes.otherAdapters(than: manifest) { problems.append(problem) }
    if !problems.isEmpty {
      let fitting = Checkpoint.fitting(manifest, present, problems)
      if let problem = notes.otherSettings(than: manifest) { problems.insert(problem, at: 0) }
      throw .unfit(path: path, problems, fitting: fitting)
    }
  }

  /// Parameters that are in the file and have no problem.
  private static func fitting(
    _ manifest: Manifest, _ present: Set<String>, _ problems: [SafetensorsProblem]
  ) -> [String] {
    let faulty = Set(problems.compactMap(\.tensor))
    return manifest.parameters.map(\.name).filter { present.contains($0) && !faulty.contains($0) }
  }

  private static func hasAverage(_ present: Set<String>, _ manifest: Manifest) -> Bool {
    manifest.parameters.allSatisfy { present.contains(averagePrefix + $0.name) }
  }

  /// Copies the file's tensors into a model made from the same manifest.
  public func restore(into model: Model) throws {
    let tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    for (kind, prefix) in Checkpoint.prefixes where contents == .training || kind == .value {
      for (index, parameter) in model.manifest.parameters.enumerated()
      where model.keeps(kind, of: index) {
        guard let tensor = tensors[prefix + parameter.name] else { continue }
        try model.write(try file.numbers(tensor), kind, index)
      }
    }
  }

  /// Copies the averages of the file into a model made from the same manifest.
  public func restoreAverage(into model: Model) throws {
    let tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    for (index, parameter) in model.manifest.parameters.enumerated() {
      guard let tensor = tensors[Checkpoint.averagePrefix + parameter.name] else { continue }
      try model.write(try file.numbers(tensor), .value, index)
    }
  }

  private static func compare(
    _ file: Safetensors, _ manifest: Manifest, _ contents: Contents
  ) -> [SafetensorsProblem] {
    var expected: [(name: String, shape: [Int])] = []
    for (kind, prefix) in prefixes where contents == .training || kind == .value {
      expected += manifest.parameters.filter { kind == .value || $0.hasGradient }.map {
        (prefix + $0.name, kind == .stepCounts ? [$0.steps] : $0.shape)
      }
    }
    let found = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    if contents == .training, hasAverage(Set(found.keys), manifest) {
      expected += manifest.parameters.map { (averagePrefix + $0.name, $0.shape) }
    }
    var problems = expected.compactMap {
      fault(found[$0.name], name: $0.name, shape: $0.shape, contents)
    }
    // Earlier libraries kept moments, which stayed 0, for what has no gradient.
    let names = Set(expected.map(\.name) + unneeded(manifest))
    for tensor in file.tensors where !names.contains(tensor.name) {
      let isTraining = trainingPrefixes.contains { tensor.name.hasPrefix($0) }
      if contents == .training || !isTraining { problems.append(.unexpected(name: tensor.name)) }
    }
    return problems
  }

  /// What training has of parameters that have a gradient, of the others.
  private static func unneeded(_ manifest: Manifest) -> [String] {
    manifest.parameters.filter { !$0.hasGradient && !$0.isState }.flatMap { parameter in
      prefixes.dropFirst().map { $0.prefix + parameter.name }
    }
  }

  private static func fault(
    _ tensor: Safetensors.Tensor?, name: String, shape: [Int], _ contents: Contents
  ) -> SafetensorsProblem? {
    guard let tensor else { return .missing(name: name) }
    // Going on exactly cannot begin from numbers that were rounded to fewer bits.
    let isKept = tensor.type == .f32 || tensor.type == .f64
    if !(contents == .weights ? tensor.type.isReal : isKept) {
      return .wrongType(name: name, expected: .f32, found: tensor.type)
    }
    if tensor.shape != shape {
      return .wrongShape(name: name, expected: shape, found: tensor.shape)
    }
    return nil
  }
}
