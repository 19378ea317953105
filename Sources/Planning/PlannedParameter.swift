import GraphIR

/// What changes a parameter after a step.
public enum Update: Hashable, Sendable {
  /// AdamW, when backward has run.
  case adamW

  /// AdamW in backward, as soon as the gradient is there.
  case adamWInBackward

  /// A state's rule.
  case rule

  /// Nothing: no gradient reaches it.
  case none

  /// Whether backward computes a gradient, which goes into AdamW.
  public var isLearned: Bool { self == .adamW || self == .adamWInBackward }
}

/// A parameter, and where everything of it lies.
public struct PlannedParameter: Hashable, Sendable {
  public var name: String

  /// Its place among the model's parameters in order of creation, which is the random stream of its
  /// first values, wherever layers and passes let it lie.
  public var number: Int
  public var type: TensorType
  public var initializer: Initializer
  public var decays: Bool

  /// Whether it was frozen: then it has no gradient.
  public var isFrozen: Bool

  /// What it is to which weight, if it is a part of an adapter.
  public var adapter: Adapter?

  /// What the parameter is to the layers that read it.
  public var role: ParameterRole
  public var update: Update

  /// Step counts that AdamW has for such a parameter: one for each expert of stacked weights, else one.
  public var stepCount: Int

  /// What the optimizer or a rule changes, and what checkpoints keep.
  public var master: Storage

  /// What products read, if that is not the master.
  public var working: Storage?

  /// AdamW's gradient, two moments and step counts; what has no gradient has none of them.
  public var gradient: Storage?
  public var moments: [Storage] = []
  public var steps: Storage?

  /// Of a state: the sum of what its rule made since the last update.
  public var next: Storage?

  /// Of a state whose rule gives directions: how far it moves in a step.
  public var signStep: Double?

  public var layout: Layout { master.layout }
}

extension PlannedParameter {
  /// A parameter of the graph as its layer sees it, nothing of it placed.
  init(_ parameter: Parameter, number: Int, as seen: LayerParameter) {
    let (type, update) = (seen.type, seen.update)
    func storage(in region: Region) -> Storage { Storage(type, seen.layout, in: region) }
    self.init(
      name: parameter.name, number: number, type: type, initializer: parameter.initializer,
      decays: parameter.decays, isFrozen: parameter.isFrozen, adapter: parameter.adapter,
      role: seen.role, update: update,
      stepCount: seen.start == nil ? 1 : type.axes[0].size, master: storage(in: .values))
    if update.isLearned {
      gradient = storage(in: .gradients)
      moments = [storage(in: .firstMoments), storage(in: .secondMoments)]
      steps = Storage(.f32, count: stepCount, in: .steps)
    }
    if update == .rule { next = storage(in: .nextStates) }
    signStep = parameter.signStep
  }

  /// All that is kept of it.
  public var storages: [Storage] {
    [master] + [working, gradient].compactMap(\.self) + moments
      + [steps, next].compactMap(\.self)
  }

  /// Places each of them, in the order of `storages`.
  mutating func place<Failure: Error>(
    _ put: (inout Storage) throws(Failure) -> Void
  ) throws(Failure) {
    func placed(_ storage: Storage?) throws(Failure) -> Storage? {
      guard var storage else { return nil }
      try put(&storage)
      return storage
    }
    try put(&master)
    working = try placed(working)
    gradient = try placed(gradient)
    for index in moments.indices { try put(&moments[index]) }
    steps = try placed(steps)
    next = try placed(next)
  }
}
