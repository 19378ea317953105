import ModelRuntime
import SystemFiles

/// A model gave infinity or no numbers where something was to be shown or drawn.
public struct NotFiniteError: ExplainedError, Equatable {
  /// What should have been numbers: `logits`.
  public var what: String
  /// The first layer or parameter in which it appeared, if that is known.
  public var place: String?

  public init(_ what: String, place: String? = nil) {
    self.what = what
    self.place = place
  }

  public var message: String {
    "the model's \(what) are not finite numbers"
      + (place.map { ", and \($0) is the first where it went wrong" } ?? "")
  }

  public var hint: String {
    "its training diverged, or the weights were damaged: use other weights"
  }
}

extension Model {
  /// Errors: one of the numbers, which are of the last pass, is not finite.
  func requireFinite(_ numbers: some Sequence<Float>, _ what: String) throws {
    guard numbers.allSatisfy(\.isFinite) else {
      throw NotFiniteError(what, place: try firstBad())
    }
  }
}
