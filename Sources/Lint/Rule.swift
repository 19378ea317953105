/// Every rule of the linter; the raw value is the name that warnings and marks use.
public enum Rule: String, Hashable, Sendable, CaseIterable {
  case attentionNotCausal = "attention-not-causal"
  case attentionScale = "attention-scale"
  case balanceCoefficient = "balance-coefficient"
  case capacityBatch = "capacity-batch"
  case capacityNotCausal = "capacity-not-causal"
  case capacityZero = "capacity-zero"
  case constantWeight = "constant-weight"
  case contextAndBatch = "context-and-batch"
  case evaluationCost = "evaluation-cost"
  case noiseInEvaluation = "noise-in-evaluation"
  case normAfterRotary = "norm-after-rotary"
  case softmaxBeforeLoss = "softmax-before-loss"
  case softmaxTwice = "softmax-twice"
  case termWithoutGradient = "term-without-gradient"
  case unreachableExperts = "unreachable-experts"
  case untrainedParameter = "untrained-parameter"
  case unusedParameter = "unused-parameter"
  case unusedResult = "unused-result"
}

extension Rule {
  /// The rule's own struct.
  public var definition: any RuleDefinition {
    switch self {
    case .attentionNotCausal: AttentionNotCausal()
    case .attentionScale: AttentionScale()
    case .balanceCoefficient: BalanceCoefficient()
    case .capacityBatch: CapacityBatch()
    case .capacityNotCausal: CapacityNotCausal()
    case .capacityZero: CapacityZero()
    case .constantWeight: ConstantWeight()
    case .contextAndBatch: ContextAndBatch()
    case .evaluationCost: EvaluationCost()
    case .noiseInEvaluation: NoiseInEvaluation()
    case .normAfterRotary: NormAfterRotary()
    case .softmaxBeforeLoss: SoftmaxBeforeLoss()
    case .softmaxTwice: SoftmaxTwice()
    case .termWithoutGradient: TermWithoutGradient()
    case .unreachableExperts: UnreachableExperts()
    case .untrainedParameter: UntrainedParameter()
    case .unusedParameter: UnusedParameter()
    case .unusedResult: UnusedResult()
    }
  }
}

/// What every rule knows of itself.
public protocol RuleDefinition: Sendable {
  /// What the rule finds, in a sentence.
  var sentence: String { get }

  /// Why that matters.
  var reason: String { get }

  /// What to do about it.
  var wayOut: String { get }

  /// Every place where the rule applies.
  func findings(in subject: Subject) -> [Finding]
}

/// A place where a rule applies.
public struct Finding: Hashable, Sendable {
  /// The node that stands at the line to look at.
  public var node: Int
  public var message: String

  /// What to do, where this can be said more exactly than by the rule's `wayOut`.
  public var hint: String?

  init(_ node: Int, _ message: String, hint: String? = nil) {
    self.node = node
    self.message = message
    self.hint = hint
  }
}
