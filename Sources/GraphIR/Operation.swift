/// What every op knows of itself. There are no default implementations, on purpose.
///
/// An op's file opens with its formula, the shapes of its operands, its gradient and what backward
/// reads; `formula` repeats the formula for whoever looks at a compiled model.
public protocol Operation: Hashable, Sendable {
  /// The formula, in plain text with named axes.
  static var formula: String { get }

  /// The types of the results, or what is wrong with the inputs.
  func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType]

  /// The cost of one execution.
  func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost

  /// The static properties, as text.
  var attributes: Attributes { get }

  /// Reads what `attributes` wrote.
  init(_ reader: inout AttributeReader) throws(Mismatch)

  /// Small models around the op, which every generic test uses.
  static var samples: [Sample] { get }
}

/// An op through which gradients flow.
public protocol DifferentiableOperation: Operation {
  /// Emits the gradients of the inputs, nil for an input that has none.
  func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?]
}

/// The place at which a gradient rule works: a node's operands, results and their gradients.
public struct GradientSite {
  public var inputs: [Value]
  public var results: [Value]

  /// The loss's gradient with respect to each result; nil where the loss does not depend on it.
  public var gradients: [Value?]

  public init(inputs: [Value], results: [Value], gradients: [Value?]) {
    self.inputs = inputs
    self.results = results
    self.gradients = gradients
  }

  /// The gradient of the first result; ops with one differentiable result have only this.
  var dy: Value? { gradients[0] }
}
