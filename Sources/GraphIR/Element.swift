/// What a tensor's elements are, and the one place that knows how many bytes they take.
public enum Element: String, Hashable, Sendable, CaseIterable {
  case f32
  case i32

  /// Bytes of one element.
  public var bytes: Int {
    switch self {
    case .f32, .i32: 4
    }
  }
}
