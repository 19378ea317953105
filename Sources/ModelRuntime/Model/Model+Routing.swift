import CModelABI

/// What one expert was given, in pairs of a token and one of its choices.
public struct ExpertLoad: Equatable, Sendable, Codable {
  /// Pairs that chose it.
  public var chosen: Int
  /// Of these the ones that it computed; the others were beyond its capacity.
  public var kept: Int
  /// The sum of the weights that all of them gave it.
  public var weight: Double

  public init(chosen: Int = 0, kept: Int = 0, weight: Double = 0) {
    self.chosen = chosen
    self.kept = kept
    self.weight = weight
  }

  public static func += (load: inout ExpertLoad, other: ExpertLoad) {
    load.chosen += other.chosen
    load.kept += other.kept
    load.weight += other.weight
  }
}

/// What one router chose for the tokens of a pass, [tokens, choices] each.
public struct RouterChoices: Equatable, Sendable {
  /// For each token its experts, ascending.
  public var experts: [Int32]
  /// Whether the expert had room.
  public var isKept: [Bool]
  /// By which the experts' outputs are added up.
  public var weights: [Float]

  public init(experts: [Int32], isKept: [Bool], weights: [Float]) {
    self.experts = experts
    self.isKept = isKept
    self.weights = weights
  }
}

extension Model {
  /// The modes whose passes are counted apart.
  public enum PassMode: Int32, Sendable, CaseIterable {
    /// `loss` and `logits`.
    case evaluation = 0
    /// `trainStep`, `gradients` and `accumulate`.
    case training = 1
  }

  /// The loads of all experts, by router, since they were last taken; they start anew.
  public func takeExpertLoads(_ mode: PassMode) throws(ModelError) -> [[ExpertLoad]] {
    guard let expertLoads = library.functions.expertLoads else { throw .lacks(.expertLoads) }
    let experts = manifest.routers.map(\.experts)
    var loads = [moec_load](repeating: moec_load(), count: experts.reduce(0, +))
    try check(expertLoads(handle, mode.rawValue, &loads), "loads of experts")
    let all = loads.map {
      ExpertLoad(chosen: Int($0.chosen), kept: Int($0.kept), weight: $0.weight)
    }
    return Self.split(all, experts)
  }

  /// What each router chose in the last pass, which had so many tokens.
  public func routes(tokens: Int) throws(ModelError) -> [RouterChoices] {
    guard let routes = library.functions.routes else { throw .lacks(.routes) }
    let counts = manifest.routers.map { tokens * $0.choices }
    let total = try checkedTokens(tokens) * choicesOfToken
    var experts = [Int32](repeating: 0, count: total)
    var kept = experts
    var weights = [Float](repeating: 0, count: total)
    try check(routes(handle, Int32(tokens), &experts, &kept, &weights), "routes")
    return Self.split(Array(experts.indices), counts).map { places in
      RouterChoices(
        experts: places.map { experts[$0] }, isKept: places.map { kept[$0] != 0 },
        weights: places.map { weights[$0] })
    }
  }

  /// The experts that all routers chose in the last pass, router after router, [tokens, choices]
  /// each: what `replay` takes.
  public func chosenExperts(tokens: Int) throws(ModelError) -> [Int32] {
    guard let routes = library.functions.routes else { throw .lacks(.routes) }
    var experts = [Int32](repeating: 0, count: try checkedTokens(tokens) * choicesOfToken)
    try check(routes(handle, Int32(tokens), &experts, nil, nil), "routes")
    return experts
  }

  /// Makes the routers take these experts in the next pass, which must have so many tokens; weights
  /// still come from the logits.
  public func replay(_ experts: [Int32], tokens: Int) throws(ModelError) {
    guard let replay = library.functions.replay else { throw .lacks(.replay) }
    let expected = try checkedTokens(tokens) * choicesOfToken
    guard experts.count == expected else {
      throw .wrongCount(what: "choices", expected: expected, found: experts.count)
    }
    try check(replay(handle, experts, Int32(tokens)), "replay")
  }

  /// Choices of a token in all routers together.
  public var choicesOfToken: Int { manifest.routers.reduce(0) { $0 + $1.choices } }

  /// A library copies as much as its last pass had, so a wrong number must not reach it.
  private func checkedTokens(_ tokens: Int) throws(ModelError) -> Int {
    let most = manifest.batch * manifest.context
    guard (1...most).contains(tokens) else {
      throw .wrongCount(what: "tokens of a pass", expected: most, found: tokens)
    }
    return tokens
  }

  private static func split<Element>(_ all: [Element], _ counts: [Int]) -> [[Element]] {
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(all[start..<start + count])
    }
  }
}
