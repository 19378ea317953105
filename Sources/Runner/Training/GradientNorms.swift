/// Adds up the norms of the gradients of the steps between two evaluations. Saved with a run, so that
/// one that goes on has the same mean.
struct GradientNorms: Equatable, Sendable, Codable {
  private var sum = 0.0
  private var steps = 0

  /// Adds the L2 norm that a step found before clipping.
  mutating func add(_ norm: Float) {
    sum += Double(norm)
    steps += 1
  }

  /// The mean of what was added since it was last taken; nil if there was nothing.
  mutating func take() -> Double? {
    defer { self = GradientNorms() }
    return steps > 0 ? sum / Double(steps) : nil
  }
}
