/// The gradient of a softmax.
///
///     dx = y (dy - Σ dy y)    dy, y f32[R…, C] -> dx f32[R…, C]
public struct SoftmaxGradient: Operation {
  public static let formula = "dx = y (dy - sum dy y)"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("softmaxGradient", inputs, 2)
    try expectSame("softmaxGradient", "dy", inputs[1], inputs[0])
    return [inputs[1]]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 4 * inputs[0].count)
  }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `Softmax`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
