import GraphIR
import Lowering

/// How the logits of a growing text are computed, one more token at a time.
public enum Generation: Hashable, Sendable {
  /// Tokens that begin as those of the call before are not computed again: attention finds their
  /// keys and values where it left them.
  case cached(KeyValueCache)

  /// Every token takes the whole window.
  case recomputed(Recomputation)

  public var cache: KeyValueCache? {
    switch self {
    case .cached(let cache): cache
    case .recomputed: nil
    }
  }

  /// One line for a reader of the plan.
  public var summary: String {
    switch self {
    case .cached:
      "generation: keys and values are kept from token to token until the context is full"
    case .recomputed(let why): "generation: the whole window for every token, as \(why)"
    }
  }
}

extension Plan {
  /// Decided by the model alone: the same model has the same answer every time.
  public var generation: Generation {
    do throws(Recomputation) {
      return .cached(try KeyValueCache(self))
    } catch {
      return .recomputed(error)
    }
  }
}
