import CModelABI

/// What only some libraries can do; asked for by an option that needs it.
public enum OptionalFunction: String, Sendable, CaseIterable {
  case createRank = "moec_create_rank"
  case setDecay = "moec_set_decay"
  case accumulate = "moec_accumulate"
  case update = "moec_update"
  case average = "moec_average"
  case firstBad = "moec_first_bad"
  case expertLoads = "moec_expert_loads"
  case routes = "moec_routes"
  case replay = "moec_replay"
  case terms = "moec_terms"
  case documents = "moec_documents"
}

extension Model {
  /// Whether the library has a function.
  public func has(_ function: OptionalFunction) -> Bool {
    switch function {
    case .createRank: return library.functions.createRank != nil
    case .setDecay: return library.functions.setDecay != nil
    case .accumulate: return library.functions.accumulate != nil
    case .update: return library.functions.update != nil
    case .average: return library.functions.average != nil
    case .firstBad: return library.functions.firstBad != nil
    case .expertLoads: return library.functions.expertLoads != nil
    case .routes: return library.functions.routes != nil
    case .replay: return library.functions.replay != nil
    case .terms: return library.functions.terms != nil
    case .documents: return library.functions.documents != nil
    }
  }

  /// Whether weight decay applies to parameter `index` from now on.
  public func setDecay(_ decays: Bool, of index: Int) throws(ModelError) {
    guard let setDecay = library.functions.setDecay else { throw .lacks(.setDecay) }
    try check(
      setDecay(handle, Int32(index), decays ? 1 : 0),
      "weight decay of \(manifest.parameters[index].name)")
  }

  /// Forward and backward, the gradients added to those since the last `update`; the mean loss.
  public func accumulate(
    tokens: [Int32], targets: [Int32], seed: UInt64
  ) throws(ModelError) -> Float {
    guard let accumulate = library.functions.accumulate else { throw .lacks(.accumulate) }
    try checkBatch(tokens, targets)
    return try check(accumulate(handle, tokens, targets, seed), "gradients")
  }

  /// One AdamW step with the mean of the accumulated gradients, clipped to the global L2 norm
  /// `maximumNorm` (nil: not clipped).
  ///
  /// Returns the norm before clipping; nothing was changed if it is not finite.
  public func update(
    with hyper: Hyperparameters, maximumNorm: Float?
  ) throws(ModelError) -> Float {
    guard let update = library.functions.update else { throw .lacks(.update) }
    var numbers = hyper.numbers
    return try check(update(handle, &numbers, maximumNorm ?? 0), "optimizer step")
  }

  /// Moves parameters towards those of `model`, w = keep w + (1 - keep) w', 0 ≤ keep < 1; what is not
  /// learned is copied. Errors: a model of another library.
  public func average(_ model: Model, keeping keep: Float) throws(ModelError) {
    guard let average = library.functions.average else { throw .lacks(.average) }
    guard model.library === library else {
      throw .failed(call: "average", reason: "the models are of two libraries")
    }
    try check(average(handle, model.handle, keep), "average")
  }

  /// The terms of the objective in the last pass over a batch, in the manifest's order; of several
  /// batches, those of the last. Empty for a model without any.
  public func terms() throws(ModelError) -> [Float] {
    var numbers = [Float](repeating: .nan, count: manifest.terms.count)
    if numbers.isEmpty { return [] }
    guard let function = library.functions.terms else { throw .lacks(.terms) }
    try check(function(handle, &numbers), "terms")
    return numbers
  }

  /// Where numbers stopped being finite, after a loss that was not: the first layer if the library
  /// tells, or the first such parameter; nil if neither is known.
  public func firstBad() throws(ModelError) -> String? {
    if let function = library.functions.firstBad, let name = function(handle) {
      return String(cString: name)
    }
    for index in manifest.parameters.indices {
      guard try read(.value, index).allSatisfy(\.isFinite) else {
        return manifest.parameters[index].name
      }
    }
    return nil
  }
}
