import GraphIR

/// A value of the model while it is traced: a type such as `f32[B, T, C]` and where it comes from.
///
/// Functions on tensors describe the computation; nothing is computed here. After an error a tensor
/// is poisoned, and what is made of it raises no further errors.
public struct Tensor: Sendable {
  let tracer: Tracer

  /// The value in the graph; nil: poisoned.
  var value: Value?

  /// The call that made it; a scope's result is made by the scope.
  var site: Site

  /// Grows with every tensor: of two operands the younger one stands nearest to an operator.
  var order: Int

  /// What integers count: the vocabulary or the positions.
  var entries: GraphIR.Axis?

  /// The axis that `heads` cut, which `mergedHeads` gives back.
  var width: GraphIR.Axis?

  /// Of scores limited to some groups of experts: how many experts those are.
  var choosable: Int?

  init(_ tracer: Tracer, _ value: Value?, _ site: Site) {
    self.tracer = tracer
    self.value = value
    self.site = site
    order = tracer.nextOrder()
  }

  /// Its element and axes; nil: poisoned.
  var type: TensorType? { value.map { tracer.builder.type(of: $0) } }

  /// The same tensor with the axis that `heads` cut.
  func keeping(width: GraphIR.Axis?) -> Tensor {
    var copy = self
    copy.width = width
    return copy
  }
}

/// Something that a scope can return: the scope is then where it was made.
protocol Relocatable {
  func relocated(to site: Site) -> Self
}

extension Tensor: Relocatable {
  func relocated(to site: Site) -> Tensor {
    var copy = self
    copy.site = site
    copy.order = tracer.nextOrder()
    return copy
  }
}

extension Tensor: CustomStringConvertible {
  /// The type, such as `f32[B, T, C]`, for `print` in a model.
  public var description: String { type?.description ?? "tensor with an error" }
}
