import SystemFiles

/// Why a dense model's weights do not become a mixture's.
public enum UpcyclingError: ExplainedError, Equatable {
  /// The model that is to take them has no experts.
  case noMixture(model: String)
  /// Tensors, numbers of experts or widths that do not fit, all of them.
  case unfit(dense: String, mixture: String, [String])

  public var message: String {
    switch self {
    case .noMixture(let model): return "\(model) routes nothing to experts: it is dense"
    case .unfit(let dense, let mixture, let problems):
      let more = problems.count > 12 ? "; and \(problems.count - 12) more" : ""
      return "\(dense) does not become \(mixture): "
        + problems.prefix(12).joined(separator: "; ") + more
    }
  }

  public var hint: String {
    switch self {
    case .noMixture:
      return "name a model whose layers have routed(by:) and combined() in place of a dense MLP"
    case .unfit:
      return
        "layers go by their names (block.3.), what experts are made of by the ends of names (up.weight) and by "
        + "shape; nothing was written"
    }
  }
}
