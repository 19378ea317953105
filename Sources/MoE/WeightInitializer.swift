import GraphIR

/// How the first weights of a layer are drawn; fan-in and fan-out are those of the layer.
///
/// A weight is [out, in], or [experts, out, in] where each expert has its own: fan-in is `in`,
/// fan-out is `out`, for an expert as for any other layer.
public enum WeightInitializer: Hashable, Sendable {
  /// N(0, 2 / in), He et al. 2015.
  case kaimingNormal
  /// Uniform in ±√(6 / in).
  case kaimingUniform
  /// N(0, 2 / (in + out)), Glorot and Bengio 2010.
  case xavierNormal
  /// Uniform in ±√(6 / (in + out)).
  case xavierUniform
  /// N(0, deviation²).
  case normal(Double)
  /// 0.
  case zeros
  /// 1.
  case ones

  /// The initializer of a weight with these axes.
  func initializer(_ axes: [GraphIR.Axis]) -> Initializer {
    let fanIn = axes.last?.size ?? 1
    let fanOut = axes.count > 1 ? axes[axes.count - 2].size : 1
    switch self {
    case .kaimingNormal: return .kaimingNormal(fanIn: fanIn)
    case .kaimingUniform: return .kaimingUniform(fanIn: fanIn)
    case .xavierNormal: return .xavierNormal(fanIn: fanIn, fanOut: fanOut)
    case .xavierUniform: return .xavierUniform(fanIn: fanIn, fanOut: fanOut)
    case .normal(let deviation): return .normal(deviation)
    case .zeros: return .zeros
    case .ones: return .ones
    }
  }

  /// What is wrong with it, if anything.
  var problem: String? {
    guard case .normal(let deviation) = self, !(deviation >= 0 && deviation.isFinite) else {
      return nil
    }
    return "the deviation of normal weights must be a number of at least 0, got \(deviation)"
  }
}
