// What cannot be written, with the reason: swiftc prints it at the model's own line. What mixes routed
// and unrouted rows gives a tensor, as it would with .combined(): else swiftc finds a mistake further down.

extension Routed {
  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func + (a: Routed, b: Tensor) -> Tensor { a.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func + (a: Tensor, b: Routed) -> Tensor { b.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func - (a: Routed, b: Tensor) -> Tensor { a.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func - (a: Tensor, b: Routed) -> Tensor { b.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func * (a: Routed, b: Tensor) -> Tensor { a.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func * (a: Tensor, b: Routed) -> Tensor { b.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func / (a: Routed, b: Tensor) -> Tensor { a.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func / (a: Tensor, b: Routed) -> Tensor { b.rows }

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func += (a: inout Tensor, b: Routed) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func += (a: inout Routed, b: Tensor) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func -= (a: inout Tensor, b: Routed) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func -= (a: inout Routed, b: Tensor) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func *= (a: inout Tensor, b: Routed) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func *= (a: inout Routed, b: Tensor) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func /= (a: inout Tensor, b: Routed) {}

  @available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
  public static func /= (a: inout Routed, b: Tensor) {}

  @available(*, unavailable, message: "not for rows sorted by expert; call .combined() first")
  public func softmax() -> Routed { self }

  @available(*, unavailable, message: "not for rows sorted by expert; normalize before routing")
  public func layerNorm(_ name: String, epsilon: Double = 1e-5) -> Routed { self }

  @available(*, unavailable, message: "not for rows sorted by expert; call .combined() first")
  public func heads(_ count: Int) -> Routed { self }

  @available(*, unavailable, message: "not for rows sorted by expert; call .combined() first")
  public func matmul(_ other: Tensor) -> Routed { self }

  @available(*, unavailable, message: "rows sorted by expert already; call .combined() first")
  public func routed(by routing: Routing) -> Routed { self }
}

@available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
public func max(_ a: Tensor, _ b: Routed) -> Tensor { a }

@available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
public func max(_ a: Routed, _ b: Tensor) -> Tensor { b }

@available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
public func min(_ a: Tensor, _ b: Routed) -> Tensor { a }

@available(*, unavailable, message: "routed and unrouted rows do not mix; call .combined() first")
public func min(_ a: Routed, _ b: Tensor) -> Tensor { b }
