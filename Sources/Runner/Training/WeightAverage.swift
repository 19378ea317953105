import ModelRuntime

/// The exponential moving average of a model's weights: after each step w_ema = d w_ema + (1 - d) w.
/// What is not learned is copied.
public struct WeightAverage {
  /// Has the averages as its parameters, and no gradients or moments.
  public let model: Model
  /// d.
  public let decay: Float

  /// Goes on from `average`, or begins with the weights of `trained`. Errors: no memory, or the library
  /// cannot average.
  init(of trained: Model, goingOnFrom average: Model?, decay: Float) throws(ModelError) {
    guard trained.has(.average) else { throw .lacks(.average) }
    self.decay = decay
    if let average {
      model = average
    } else {
      model = try trained.companion()
      try model.average(trained, keeping: 0)
    }
  }

  /// Takes the weights after a step in.
  func take(_ trained: Model) throws(ModelError) {
    try model.average(trained, keeping: decay)
  }
}
