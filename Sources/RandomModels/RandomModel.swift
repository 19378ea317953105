import GraphIR
import MoE

/// A model that nobody would think of, written with the DSL: the same for the same seed.
///
/// It makes values of the rows of a batch, [B, T, width], one from others, in `layers`, scopes and
/// outside; any earlier value may be used again. Sizes begin at 1. Axes are used in several places.
public struct RandomModel: Sendable {
  public var seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// The graph as the tracer has it.
  ///
  /// - Throws: `ModelErrors` for the few models that the DSL refuses.
  public func graph() throws -> Graph {
    var writer = ModelWriter(seed: seed)
    let sizes = writer.sizes
    let initializers: [WeightInitializer] = [
      .kaimingNormal, .kaimingUniform, .xavierNormal, .xavierUniform, .normal(0.3),
    ]
    return try LanguageModel.trace(
      "random", vocabulary: sizes.V, context: sizes.T, batch: sizes.B,
      linearWeights: writer.dice.pick(initializers)
    ) { writer.model($0) }
  }
}

/// A random model's axes.
struct ModelSizes {
  let B, T, V, C, F, G, S: MoE.Axis

  /// How many heads the width C has, and how many of keys may serve them all.
  let heads, keyHeads: Int

  init(_ dice: inout Dice) {
    var others = dice.forked()
    let isLarge = dice.happens(15)
    heads = dice.pick([1, 1, 2, 3, 4])
    keyHeads = heads == 4 ? dice.pick([1, 2]) : 1
    B = Self.axis("B", dice.int(1...(isLarge ? 5 : 3)), &others)
    V = Self.axis("V", dice.int(1...(isLarge ? 40 : 9)), &others)
    S = Axis("S", dice.int(1...(isLarge ? 20 : 5)))
    let context: MoE.Axis = Axis("T", dice.happens(10) ? 1 : dice.int(2...(isLarge ? 40 : 11)))
    switch dice.int(0...15) {
    case 0: T = V
    case 1: T = B
    case 2: T = 2 * S
    case 3: T = B * S
    default: T = context
    }
    C = Axis("C", heads * dice.int(1...(isLarge ? 64 / heads : 16 / heads)))
    F = Axis("F", dice.int(1...(isLarge ? 60 : 20)))
    G = Axis("M", dice.int(1...9))
  }

  /// Now and then one that is twice another.
  private static func axis(_ name: String, _ size: Int, _ dice: inout Dice) -> MoE.Axis {
    dice.happens(12) && size % 2 == 0 ? 2 * Axis(name, size / 2) : Axis(name, size)
  }

  /// A width for a new value, at times one that is an axis of something else.
  func width(_ dice: inout Dice) -> MoE.Axis {
    var others = dice.forked()
    return switch dice.int(0...19) {
    case 0: T
    case 1: B
    case 2: V
    case 3: 2 * C
    case 4: 4 * F
    case 5: S
    case 6, 7: others.happens(40) && C.size % 2 == 0 ? C / 2 : G
    case 8...11: F
    default: C
    }
  }
}
