/// What every op knows of itself. There are no default implementations, on purpose: whoever adds an op
/// is asked all of it by the Swift compiler, and answers in one file.
///
/// An op's file opens with its formula, the shapes of its operands, its gradient and what backward
/// reads; `formula` repeats the formula for whoever looks at a compiled model. An op conforms to
/// `ForwardOperation` or to `GradientOperation`, which ask for more.
public protocol Operation: Hashable, Sendable {
  /// The op's kind, which names it in text.
  static var kind: OpKind { get }

  /// The formula, in plain text with named axes.
  static var formula: String { get }

  /// The op as one of all.
  var op: Op { get }

  /// The types of the results, or what is wrong with the inputs.
  func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType]

  /// The cost of one execution.
  func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost

  /// The random streams that it draws from, and as what.
  var streams: [StreamUse] { get }

  /// The same op drawing from other streams; one that it does not draw from becomes 0.
  func mappingStreams(_ number: (Int) -> Int) -> Self

  /// What it makes of rows sorted by expert.
  var sortedRows: SortedRows { get }

  /// Whether what it makes for a sequence depends on no other sequence of the batch, where operands and
  /// results are by sequence.
  var keepsSequencesApart: Bool { get }

  /// Which of its results are sums over all rows, as the gradients of parameters are.
  var rowSums: RowSums { get }

  /// Which elementwise step its kernel can do on the first result while that is in cache.
  var lastStep: LastStep { get }

  /// What its operands are to it, in their order.
  func operandRoles(_ inputs: [TensorType]) -> [Role]

  /// What its results are to those that read them, in their order.
  var resultRoles: [Role] { get }

  /// The same op with other axes of its own.
  func mappingAxes(_ transform: (Axis) -> Axis) -> Self

  /// Marks how far its own axes reach in a pass that may have fewer sequences and positions than the
  /// model, and says by `pass.inputs` what it needs of its operands.
  ///
  /// - Returns: the types of the results in that pass.
  /// - Throws: what has no meaning for a shorter text.
  mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType]

  /// The static properties, as text.
  var attributes: Attributes { get }

  /// Reads what `attributes` wrote.
  init(_ reader: inout AttributeReader) throws(Mismatch)

  /// Small models around the op, which every generic test uses.
  static var samples: [Sample] { get }
}

/// An op that models are written in: gradients flow back through it, or end at it.
public protocol ForwardOperation: Operation {
  /// Emits the gradients of the inputs, nil for an input that has none.
  func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?]

  /// How gradients pass the op, a formula for each op that backward may take; empty where none do.
  var gradientFormulas: [String] { get }

  /// What each result is within its scope; empty where the scope itself names it.
  var resultNames: [String] { get }

  /// The inputs to which it can pass a gradient that is not 0 everywhere.
  func slopes(_ inputs: [TensorType]) -> [Int]

  /// What it makes of a parameter that is its operand of that number.
  func use(ofParameter operand: Int) -> ParameterUse

  /// The operands of which a row of the result reads rows; what it reads of the others, such as weights
  /// and tables, does not depend on which row it is.
  var rowOperands: [Int] { get }

  /// Whether each number of its first result is one of its first operand's, in another place.
  var movesNumbers: Bool { get }

  /// When what it gives at a position depends, in evaluation, on that position and those before alone.
  func positions(_ inputs: [TensorType]) -> PositionRule

  /// The axes of its operands that it goes along together, and that must be equally long for that.
  func meetings(_ inputs: [TensorType]) -> [AxisMeeting]
}

/// An op that computes gradients of a forward op, in one go.
public protocol GradientOperation: Operation {
  /// The op whose gradients it computes.
  static var forward: OpKind { get }

  /// The forward value whose gradient a result is, as far as the op can tell.
  func target(ofResult result: Int) -> GradientTarget?
}

/// The place at which a gradient rule works: a node's operands, results and their gradients.
public struct GradientSite {
  public var inputs: [Value]
  public var results: [Value]

  /// The loss's gradient with respect to each result; nil where the loss does not depend on it.
  public var gradients: [Value?]

  /// Whether anything is learned by each input's gradient; what is not wanted need not be made.
  public var isWanted: [Bool]

  public init(
    inputs: [Value], results: [Value], gradients: [Value?], isWanted: [Bool]? = nil
  ) {
    self.inputs = inputs
    self.results = results
    self.gradients = gradients
    self.isWanted = isWanted ?? inputs.map { _ in true }
  }

  /// The gradient of the first result; ops with one differentiable result have only this.
  var dy: Value? { gradients[0] }
}
