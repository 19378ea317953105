import GraphIR

/// How rotary positions are scaled, so that a model reads a longer context than it was first trained with.
///
/// `rope_scaling` of a Hugging Face configuration has these forms and numbers.
public struct PositionScaling: Sendable {
  /// Of a head's width and of the base.
  let form: @Sendable (_ depth: Int, _ base: Double) -> RotaryScaling

  /// All positions divided by a factor (Chen et al. 2023).
  public static func linear(factor: Double) -> PositionScaling {
    PositionScaling { _, _ in .linear(factor: factor) }
  }

  /// As Llama 3.1 does it: a pair that turns `high` times or more in `context` positions, those of the first training,
  /// stays as it is; one that turns `low` times or less has its turn divided by the factor; between them in part.
  public static func llama3(
    factor: Double, low: Double = 1, high: Double = 4, context: Int
  ) -> PositionScaling {
    PositionScaling { _, _ in
      .llama3(factor: factor, low: low, high: high, context: Double(context))
    }
  }

  /// YaRN (Peng et al. 2023): a ramp over the pairs, from the one that turns `fast` times in `context` positions, those
  /// of the first training, to the one that turns `slow` times; `rounds`: it begins and ends at whole pairs. Sines and
  /// cosines are multiplied by the amplitude, 0.1 ln(factor) + 1 if none is given.
  public static func yarn(
    factor: Double, fast: Double = 32, slow: Double = 1, context: Int, amplitude: Double? = nil,
    rounds: Bool = true
  ) -> PositionScaling {
    PositionScaling { depth, base in
      .yarn(
        factor: factor, amplitude: amplitude, fast: fast, slow: slow, context: Double(context),
        rounds: rounds, base: base, depth: depth)
    }
  }
}
