import Exchange
import GraphIR
import Words

/// A dense model's weights as those of a mixture: its MLPs become the experts, copied or cut into slices, and the
/// router is drawn.
///
/// With experts that are copies and weights that sum to 1 the mixture's function is the dense model's. Where a
/// token's weights sum to something else, or a copy is several experts, the experts' last matrix is scaled.
public struct Upcycling {
  public struct Options: Equatable, Sendable {
    /// The seed of what is drawn.
    public var seed: UInt64
    /// The deviation of the router's weights.
    public var routerDeviation: Double
    /// The deviation of what is added to each expert's matrices, as a share of their root mean square.
    public var noise: Double
    /// Into how many slices the MLP must be cut; nil: as the shapes say.
    public var granularity: Int?

    public init(
      seed: UInt64 = 1337, routerDeviation: Double = 0.02, noise: Double = 0,
      granularity: Int? = nil
    ) {
      (self.seed, self.routerDeviation) = (seed, routerDeviation)
      (self.noise, self.granularity) = (noise, granularity)
    }
  }

  /// The mixture's tensors, ready to be written.
  public let outputs: [Safetensors.Output]
  /// What was done, a line each.
  public let report: [String]
  /// What keeps the function from being the dense one's to rounding, a line each; empty where nothing does.
  public let notes: [String]

  /// Prepares the weights of a mixture from those of a dense model; `names` are what errors call the two.
  ///
  /// Errors: a model without experts; every tensor and size that does not fit.
  public init(
    _ dense: [Safetensors.Output], into graph: Graph, _ options: Options = Options(),
    names: (dense: String, mixture: String)
  ) throws(UpcyclingError) {
    let forward = ForwardGraph(graph)
    let mixtures = Mixture.all(in: forward)
    if mixtures.isEmpty { throw .noMixture(model: names.mixture) }
    let shapes = Dictionary(dense.map { ($0.name, $0.shape) }) { first, _ in first }
    let matching = Matching(forward, mixtures, dense: shapes)
    var problems = matching.problems
    var divisions: [Division] = []
    if problems.isEmpty {
      divisions = mixtures.enumerated().map { index, mixture in
        Division(mixture, index, matching, forward, dense: shapes, &problems)
      }
      problems += Self.otherGranularity(divisions, mixtures, options)
    }
    if !problems.isEmpty {
      throw .unfit(dense: names.dense, mixture: names.mixture, problems)
    }
    let source = DenseSource(dense)
    outputs = graph.parameters.map { _, parameter in
      let maker = TensorMaker(
        parameter: parameter, source: source, mixtures: mixtures, divisions: divisions,
        matching: matching, options: options)
      return maker.output
    }
    report = Self.report(mixtures, divisions, options)
    notes = Self.notes(mixtures, divisions)
  }

  private static func otherGranularity(
    _ divisions: [Division], _ mixtures: [Mixture], _ options: Options
  ) -> [String] {
    guard let granularity = options.granularity else { return [] }
    return zip(divisions, mixtures).compactMap { division, mixture in
      division.slices == granularity
        ? nil
        : "\(mixture.scope): its experts' width makes the granularity \(division.slices), not \(granularity)"
    }
  }

  // MARK: - What is said of it

  private static func report(
    _ mixtures: [Mixture], _ divisions: [Division], _ options: Options
  ) -> [String] {
    var lines: [String: [String]] = [:]
    for (mixture, division) in zip(mixtures, divisions) {
      var text = "\(mixture.chosen) of \(mixture.experts) experts, "
      let count = mixture.experts / division.together
      text += count == 1 ? "a copy" : "\(count) copies"
      if division.together > 1 { text += " of \(division.together) slices" }
      if division.shared > 0 {
        text += ", and one of all tokens"
        if division.slices > 1 { text += " with \(division.shared) of \(division.slices) slices" }
      }
      if division.scale != 1 { text += "; scaled by \(short(division.scale))" }
      if division.sharedScale != 1 {
        text += "; that of all tokens by \(short(division.sharedScale))"
      }
      lines[text, default: []].append(mixture.scope)
    }
    let list = lines.sorted { ($0.value.first ?? "") < ($1.value.first ?? "") }
    return list.map { "\(NameList($0.value)): \($0.key)" } + [
      "router: drawn with a deviation of \(short(options.routerDeviation)) by seed \(options.seed)"
    ]
      + (options.noise > 0
        ? ["noise: \(short(options.noise)) of each matrix's root mean square"] : [])
  }

  private static func notes(_ mixtures: [Mixture], _ divisions: [Division]) -> [String] {
    func scopes(_ isMeant: (Mixture, Division) -> Bool) -> String? {
      let found = zip(mixtures, divisions).filter(isMeant).map(\.0.scope)
      return found.isEmpty ? nil : "\(NameList(found))"
    }
    var notes: [String] = []
    if let list = scopes({ mixture, _ in !mixture.sumIsConstant }) {
      notes.append(
        "\(list): a token's weights have no constant sum; experts are scaled for a router that prefers none, "
          + "and the function is the dense one's but roughly")
    }
    if let list = scopes({ mixture, _ in mixture.dropsTokens }) {
      notes.append("\(list): what finds no room in an expert lacks that part of the dense function")
    }
    if let list = scopes({ mixture, division in mixture.isNoisy && division.together > 1 }) {
      notes.append("\(list): the router's noise may choose slices of several copies")
    }
    return notes
  }

  private static func short(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e9 ? "\(Int(number))" : "\(Float(number))"
  }
}
