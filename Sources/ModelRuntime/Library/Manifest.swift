/// What a compiled library says of itself: JSON, version 1. Keys that are not known are ignored.
public struct Manifest: Equatable, Sendable {
  public var abi: Int
  public var name: String
  /// Sizes by axis name: `B`, `T`, `C` and whatever else the model declares.
  public var axes: [String: Int]
  public var parameters: [Parameter]
  public var defaults: Defaults
  /// How many different tokens the model knows: V.
  public var vocabulary: Int
  /// How many tokens it sees at once: T.
  public var context: Int
  /// How many sequences make a step: B.
  public var batch: Int
  public var memory: Memory
  public var work: Work
  /// How many parameters work on one token, if the library says.
  public var activeParameters: Int?

  /// What chooses experts, in the order in which tokens come by; empty where the library tells of
  /// none.
  public var routers: [Router]

  /// What is added to the loss for training, in the order of `moec_terms`; empty where it is nothing.
  public var terms: [Term]

  /// What could be chosen of the model and how it was; empty where there is nothing to choose.
  public var settings: [Setting]

  /// Whether gradients of several batches can be added up; nil: the library does not say.
  public var accumulates: Bool?

  /// The ranks that share out the experts of every mixture; 1: each rank has all of them.
  public var expertRanks = 1

  /// Whether the library gives logits and nothing else: it was compiled with --inference.
  public var infers = false

  /// Whether several documents may stand in a row: it was compiled with --documents.
  public var takesDocuments = false

  /// The command that compiled the library, if it says.
  public var compiler: String?
  /// The model's source, if it says.
  public var source: String?
  /// Where the source declares the vocabulary axis, such as `makemoe.swift:4`, if it says.
  public var vocabularyLine: String?

  /// One parameter, in the order of the ABI's indices.
  public struct Parameter: Equatable, Sendable {
    public var name: String
    public var shape: [Int]
    public var axes: [String]
    /// How it is initialised, in the words of the model.
    public var initializer: String
    public var decays: Bool
    /// How many step counts AdamW keeps for it: 1, or one for each expert.
    public var steps: Int
    /// `norm`, `embedding`, `bias` or `weight`, if the library says.
    public var role: String?

    /// Whether a rule updates it after a step, not the optimizer; then only its value is kept.
    public var isState = false

    /// Whether it has a gradient, moments and step counts; a state has none, nor has what nothing trains.
    public var hasGradient = true

    /// Whether it was frozen, so that it has none.
    public var isFrozen = false

    /// What it is to which weight, if it is a part of a low-rank adapter.
    public var adapter: Adapter?

    /// One of the two matrices of an adapter: beside w x stands scale b (a x).
    public struct Adapter: Equatable, Sendable {
      /// The name of the parameter w.
      public var weight: String
      /// Whether it is a [r, I], and not b [O, r].
      public var isFirst: Bool
      /// α / r.
      public var scale: Double
    }

    /// How many numbers it holds: the product of its shape.
    public var count: Int { shape.reduce(1, *) }
  }

  /// A layer's choice of experts.
  public struct Router: Equatable, Sendable, Codable {
    /// Its path in the model: `block.3.mixture`.
    public var name: String
    public var experts: Int
    /// How many experts a token chooses: K.
    public var choices: Int
    /// An expert keeps int(tokens · K / E · capacity) of those that choose it; nil: all.
    public var capacity: Double?

    public init(name: String, experts: Int, choices: Int, capacity: Double? = nil) {
      self.name = name
      self.experts = experts
      self.choices = choices
      self.capacity = capacity
    }
  }

  /// A number that is reported beside the loss, and part of the objective by its weight.
  public struct Term: Equatable, Sendable, Codable {
    /// Its path in the model: `block.3.balance`.
    public var name: String
    public var weight: Double

    public init(name: String, weight: Double) {
      self.name = name
      self.weight = weight
    }
  }

  /// A number or word that was chosen as the model was compiled.
  public struct Setting: Equatable, Sendable {
    public var name: String
    /// As `moec compile --set NAME=VALUE` takes it.
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The optimizer's numbers as the model declares them.
  public struct Defaults: Equatable, Sendable, Codable {
    public var learningRate: Float
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    public var weightDecay: Float

    enum CodingKeys: String, CodingKey {
      case learningRate = "learning_rate"
      case beta1, beta2, epsilon
      case weightDecay = "weight_decay"
    }
  }

  /// Bytes by class; 0 where the library does not say.
  public struct Memory: Equatable, Sendable {
    public var parameters = 0
    public var optimizer = 0
    public var saved = 0
    public var scratch = 0
    public var total = 0

    /// Of a sum of gradients that waits for others while a model accumulates.
    public var sum = 0

    /// In all, for updates of so many batches: sums of 2^k of them wait for their partners.
    public func total(batches: Int) -> Int {
      let waiting = batches > 1 ? Int.bitWidth - (batches - 1).leadingZeroBitCount : 0
      let sums = sum.multipliedReportingOverflow(by: waiting)
      let all = total.addingReportingOverflow(sums.partialValue)
      return sums.overflow || all.overflow ? Int.max : all.partialValue
    }
  }

  /// Floating-point operations; 0 where the library does not say.
  public struct Work: Equatable, Sendable {
    public var forward = 0.0
    public var step = 0.0
  }

  /// How many numbers all learned parameters hold together.
  public var parameterCount: Int { parameters.reduce(0) { $0 + ($1.isState ? 0 : $1.count) } }

  /// How many of them were frozen.
  public var frozenCount: Int { parameters.reduce(0) { $0 + ($1.isFrozen ? $1.count : 0) } }

  /// α / r of the adapters; nil where there are none.
  public var adapterScale: Double? { parameters.lazy.compactMap(\.adapter?.scale).first }

  /// The parameters that rules update.
  public var states: [Parameter] { parameters.filter(\.isState) }
}
