/// What one execution of an operation costs.
public struct Cost: Hashable, Sendable {
  /// Floating-point operations; a multiply-add counts as 2.
  public var flops: Int

  public init(flops: Int) { self.flops = flops }

  public static let none = Cost(flops: 0)

  public static func + (a: Cost, b: Cost) -> Cost { Cost(flops: a.flops + b.flops) }
}
