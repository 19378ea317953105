import GraphIR

/// What is done to a call's result block by block, while it is in cache: an elementwise expression over
/// the result, `x0`, and extra operands of the call, `x1` …
public struct Finish: Hashable, Sendable {
  public var expression: ScalarExpression

  /// Where the pointwise op stood that became the last step.
  public var scope: String
  public var location: SourceLocation?

  public init(_ expression: ScalarExpression, scope: String = "", location: SourceLocation? = nil) {
    self.expression = expression
    self.scope = scope
    self.location = location
  }

  /// The result with one extra operand added, which all kernels with a last step know.
  public static let sum = ScalarExpression.input(0) + .input(1)

  /// How many extra operands it reads.
  public var extraCount: Int { expression.inputs.last ?? 0 }
}

/// One C function call with its operands by role.
///
/// Generic over what an operand is: a value in a program, a place in a plan.
public struct KernelCall<Content: Hashable & Sendable>: Hashable, Sendable {
  /// An operand or a result and its role.
  public struct Binding: Hashable, Sendable {
    public var role: Role
    public var content: Content

    public init(_ role: Role, _ content: Content) {
      self.role = role
      self.content = content
    }
  }

  public var action: Action

  /// In a fixed order; of one role, several stand in the order of what they are parts of.
  public var operands: [Binding]

  /// The results that anything reads.
  public var results: [Binding]

  /// The last steps, by the places of the results that they work on.
  public var finishes: [Int: Finish]

  public init(
    _ action: Action, _ operands: [Binding], to results: [Binding], finishes: [Int: Finish] = [:]
  ) {
    self.action = action
    self.operands = operands
    self.results = results
    self.finishes = finishes
  }

  /// The last step of the first result.
  public var finish: Finish? {
    get { finishes[0] }
    set { finishes[0] = newValue }
  }

  /// The operands that the last step of a result reads beside it; those of earlier results stand first.
  public func extras(of result: Int) -> [Content] {
    let before = finishes.reduce(0) { $1.key < result ? $0 + $1.value.extraCount : $0 }
    return Array(all(.extra).dropFirst(before).prefix(finishes[result]?.extraCount ?? 0))
  }

  /// The first operand of a role, if there is one.
  public subscript(role: Role) -> Content? { operands.first { $0.role == role }?.content }

  /// All operands of a role.
  public func all(_ role: Role) -> [Content] {
    operands.compactMap { $0.role == role ? $0.content : nil }
  }

  /// The first result of a role, if anything reads it.
  public func result(_ role: Role) -> Content? { results.first { $0.role == role }?.content }

  /// All results of a role.
  public func results(_ role: Role) -> [Content] {
    results.compactMap { $0.role == role ? $0.content : nil }
  }

  /// The op that the call carries out; nil for what is none.
  public var op: Op? { if case .op(let op) = action { op } else { nil } }

  /// Whether a product has several weights, or attention reads parts of one tensor.
  public var isJoined: Bool { partCount > 1 || self[.projections] != nil }

  /// How many products the call is: one for each of the weights that it reads or whose gradients it makes.
  public var partCount: Int { isProduct ? max(all(.weights).count, results(.weights).count, 1) : 1 }

  /// Whether each of several products makes a tensor of its own, or reads one that comes back; otherwise
  /// they are parts of one tensor, side by side in its rows.
  public var keepsPartsApart: Bool { results(.output).count > 1 || all(.gradient).count > 1 }

  /// One of several products by itself, without its last step.
  public func part(_ number: Int) -> KernelCall {
    func isOther(_ binding: Binding, _ place: Int, among bindings: [Binding]) -> Bool {
      let same = bindings.indices.filter { bindings[$0].role == binding.role }
      return same.count > 1 && same.firstIndex(of: place) != number
    }
    func chosen(_ bindings: [Binding]) -> [Binding] {
      bindings.enumerated().filter { !isOther($1, $0, among: bindings) }.map(\.element)
    }
    return KernelCall(action, chosen(operands.filter { $0.role != .extra }), to: chosen(results))
  }

  /// Whether the call multiplies rows and weights.
  public var isProduct: Bool {
    switch op?.kind {
    case .linear, .linearInputGradient, .linearWeightGradient: true
    case _: false
    }
  }

  /// Whether all that the call makes are sums over rows, as the gradients of parameters are.
  public var makesOnlyRowSums: Bool {
    op?.operation.rowSums.areAll(of: results.map(\.role)) ?? false
  }

  /// Whether the call's kernel lets threads take shares of it, whatever else they are at.
  public var isSharedOut: Bool {
    makesOnlyRowSums && !isOfRanks && op?.operation.rowSums.areShared ?? false
  }

  /// Whether a product reads its rows through `source`, rather than the op itself.
  public var gathersRows: Bool {
    self[.source] != nil && op?.operation.sortedRows != .sorts
  }

  /// Whether the call goes through rows that came from several ranks, one rank's after the other's.
  public var isOfRanks: Bool { self[.origin] != nil }

  /// Whether an operand only tells which rows came from which rank, and the op knows nothing of it.
  public func tellsRanksOnly(_ role: Role) -> Bool {
    role == .origin || role == .start && isOfRanks && op?.operation.sortedRows != .byStart
  }

  /// The streams that the call draws from, its last step included.
  public var streams: [Int] {
    (op?.operation.streams.map(\.stream) ?? [])
      + finishesInOrder.flatMap { $0.finish.expression.streams }
  }

  /// The last steps in the order of the results.
  public var finishesInOrder: [(place: Int, finish: Finish)] {
    finishes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The call with its streams counted from the layer's first, so that uses of a layer look alike.
  public func countingStreams(from first: Int) -> KernelCall {
    var copy = self
    if let op { copy.action = .op(op.mappingStreams { $0 - first }) }
    copy.finishes = finishes.mapValues { finish in
      var finish = finish
      finish.expression = finish.expression.mappingStreams { $0 - first }
      return finish
    }
    return copy
  }

  /// The same call of other contents.
  public func map<Other>(_ transform: (Content) throws -> Other) rethrows -> KernelCall<Other> {
    KernelCall<Other>(
      action, try operands.map { .init($0.role, try transform($0.content)) },
      to: try results.map { .init($0.role, try transform($0.content)) }, finishes: finishes)
  }
}
