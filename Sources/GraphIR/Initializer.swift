/// How a parameter's first values are drawn.
///
/// Kaiming (He et al. 2015) and Xavier (Glorot and Bengio 2010) as in `torch.nn.init`, gain √2 for
/// Kaiming and 1 for Xavier.
public enum Initializer: Hashable, Sendable {
  case zeros
  case ones
  case constant(Double)
  /// N(0, deviation²).
  case normal(Double)
  /// Uniform in ±bound.
  case uniform(Double)
  case kaimingNormal(fanIn: Int)
  case kaimingUniform(fanIn: Int)
  case xavierNormal(fanIn: Int, fanOut: Int)
  case xavierUniform(fanIn: Int, fanOut: Int)

  /// The distribution that an initializer stands for.
  public enum Distribution: Hashable, Sendable {
    case constant(Double)
    case normal(deviation: Double)
    case uniform(bound: Double)
  }

  public var distribution: Distribution {
    switch self {
    case .zeros: .constant(0)
    case .ones: .constant(1)
    case .constant(let value): .constant(value)
    case .normal(let deviation): .normal(deviation: deviation)
    case .uniform(let bound): .uniform(bound: bound)
    case .kaimingNormal(let fanIn): .normal(deviation: (2 / Double(fanIn)).squareRoot())
    case .kaimingUniform(let fanIn): .uniform(bound: (6 / Double(fanIn)).squareRoot())
    case .xavierNormal(let fanIn, let fanOut):
      .normal(deviation: (2 / Double(fanIn + fanOut)).squareRoot())
    case .xavierUniform(let fanIn, let fanOut):
      .uniform(bound: (6 / Double(fanIn + fanOut)).squareRoot())
    }
  }
}
