import CModelABI

/// The numbers of one AdamW step.
public struct Hyperparameters: Equatable, Sendable {
  public var learningRate: Float
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  public var weightDecay: Float
  /// The seed of this step's randomness: dropout and router noise.
  public var seed: UInt64

  /// The model's own numbers.
  public init(_ defaults: Manifest.Defaults, seed: UInt64) {
    learningRate = defaults.learningRate
    beta1 = defaults.beta1
    beta2 = defaults.beta2
    epsilon = defaults.epsilon
    weightDecay = defaults.weightDecay
    self.seed = seed
  }

  var numbers: moec_hyper {
    moec_hyper(
      learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      weight_decay: weightDecay, seed: seed)
  }
}
