import GraphIR

/// Compares the gradients of a graph with central differences in random directions.
public struct GradientCheck: Sendable {
  /// What was found for one parameter.
  public struct Result: Sendable {
    public var parameter: String

    /// The slope of the objective along the direction: by the graph's gradient, and by differences.
    public var analytic: Double
    public var numeric: Double

    /// |analytic - numeric| over the size of the gradient along the direction.
    public var relativeError: Double

    /// Whether all elements of the graph's gradient are 0.
    public var isZero: Bool

    public var verdict: Verdict

    public var isRight: Bool { verdict == .right }
  }

  /// What differences say of a gradient.
  public enum Verdict: Sendable {
    case right, wrong

    /// Nothing: every step meets a kink or another choice of experts, is too long for what changes fast, leaves no
    /// finite objective, or is lost in rounding.
    case undecided
  }

  /// Differences of double-precision objectives are good to about 1e-9 of the slope.
  public static let tolerance = 1e-5

  private let interpreter: Interpreter
  private let run: Run
  private let graph: Graph

  /// Runs the graph, with its gradients, on random tokens, some of whose targets are ignored. Parameters are drawn as
  /// they are at first, but for constant ones, which are moved, unless that leaves no finite gradients.
  ///
  /// - Throws: a `Diagnostic` if the objective or a gradient is not finite at first: training would end there.
  public init(
    _ graph: Graph, seed: UInt64 = 1, ignoring ignored: IgnoredTargets = .some
  ) throws(Diagnostic) {
    let count = UInt32(graph.batch.size * graph.context.size)
    let draw = { (stream: UInt64) in
      let key = CounterRandom.key(seed: seed, stream: stream)
      return (0..<count).map { Int32(CounterRandom.bits(key, $0) % UInt32(graph.vocabulary.size)) }
    }
    self.graph = graph
    var interpreter = Interpreter(
      graph, seed: seed, tokens: draw(1 << 40),
      targets: ignored.among(draw(1 << 41), seed: seed))
    interpreter.beginnings = RandomDocuments.beginnings(of: graph, seed: seed)
    let first = try interpreter.run()
    if let problem = Self.problem(of: first) { throw problem }
    var varied = interpreter
    varied.parameters = Interpreter.variedParameters(of: graph, seed: seed)
    let run = try varied.run()
    let isFinite = Self.problem(of: run) == nil
    (self.interpreter, self.run) = isFinite ? (varied, run) : (interpreter, first)
  }

  /// What is not finite of a run, if anything.
  private static func problem(of run: Run) -> Diagnostic? {
    if let objective = run.objective, !objective.isFinite {
      return Diagnostic(
        at: nil,
        "what is to be made small is \(objective.isNaN ? "not a number" : "infinite") at first, and "
          + "has no gradients to check",
        hint: "look for a division by 0, or a logarithm or root of what may be negative")
    }
    let names = run.graph.parameters.map(\.parameter.name)
    let endless = names.first { run.gradient(of: $0)?.allSatisfy(\.isFinite) == false }
    return endless.map {
      Diagnostic(
        at: nil, "the gradient of \($0) is not finite at first, and training would end there",
        hint:
          "look for a root, a power or a logarithm of what is 0 at first, whose slope is infinite")
    }
  }

  /// A result for each parameter that has a gradient.
  ///
  /// - Throws: a `Diagnostic` if nothing can be said of any.
  public func results() throws(Diagnostic) -> [Result] {
    let names = graph.parameters.map(\.parameter.name).filter { run.gradient(of: $0) != nil }
    let largest = names.map { SlopeDifference.size(of: run.gradient(of: $0) ?? []) }.max() ?? 0
    var results: [Result] = []
    for name in names { results.append(try result(of: name, largest: largest)) }
    if let first = results.first, results.allSatisfy({ $0.verdict == .undecided }) {
      throw Diagnostic(
        at: nil,
        "every small step in \(first.parameter) changes which experts are chosen, meets a kink, leaves no finite loss, "
          + "or is lost in its rounding",
        hint: "the router's logits are too close to each other, or numbers too large")
    }
    return results
  }

  /// Steps along a direction. Those below 10⁻⁶ are for objectives of so many kinks, or so steep, that every longer step
  /// meets one; the last for those whose rounding is larger than what a short step changes.
  private static let steps =
    [1e-5, 1e-6, 1e-5, 1e-6, 1e-5, 1e-6, 1e-7, 1e-8, 1e-7, 1e-8, 1e-8, 1e-8, 1e-4, 1e-3]

  /// A direction that a kink or another choice of experts spoils is followed by other ones. A wrong gradient is wrong
  /// along all of them, at least where steps are short.
  private func result(of name: String, largest: Double) throws(Diagnostic) -> Result {
    let gradient = run.gradient(of: name) ?? []
    var others: [SlopeDifference] = []
    for (attempt, step) in Self.steps.enumerated() {
      guard
        let found = try difference(
          name, gradient, stream: UInt64(attempt), step: step, largest: largest)
      else { continue }
      if found.finding == .right { return result(of: name, gradient, found, .right) }
      if found.finding != .unseen { others.append(found) }
    }
    let least = others.map(\.step).min()
    let shortest = others.filter { $0.step == least }
    let isWrong = !shortest.isEmpty && shortest.allSatisfy { $0.finding == .wrong }
    return result(of: name, gradient, shortest.first, isWrong ? .wrong : .undecided)
  }

  private func result(
    of name: String, _ gradient: [Double], _ found: SlopeDifference?, _ verdict: Verdict
  ) -> Result {
    Result(
      parameter: name, analytic: found?.analytic ?? .nan, numeric: found?.numeric ?? .nan,
      relativeError: found?.relativeError ?? .nan, isZero: gradient.allSatisfy { $0 == 0 },
      verdict: verdict)
  }

  /// Nil if the steps change whole numbers, such as which experts are chosen, or if they leave no finite objective.
  private func difference(
    _ name: String, _ gradient: [Double], stream: UInt64, step: Double, largest: Double
  ) throws(Diagnostic) -> SlopeDifference? {
    let key = CounterRandom.key(seed: 99, stream: stream)
    let direction = gradient.indices.map { CounterRandom.normal(key, UInt32($0)) }
    var values: [Double] = []
    for factor in [1.0, -1, 2, -2] {
      guard let value = try objective(of: name, along: direction, by: factor * step),
        value.isFinite
      else { return nil }
      values.append(value)
    }
    return SlopeDifference(
      values, step: step, slopes: zip(gradient, direction).map { $0 * $1 }, largest: largest)
  }

  private func objective(
    of name: String, along direction: [Double], by step: Double
  ) throws(Diagnostic) -> Double? {
    var moved = interpreter
    moved.stopped = run
    moved.parameters[name] = zip(interpreter.parameters[name] ?? [], direction).map {
      $0 + step * $1
    }
    let result = try moved.run([.loss, .objective])
    for (moved, given) in zip(result.values, run.values) where !moved.isEmpty {
      if moved.map(\.integers) != given.map(\.integers) { return nil }
    }
    return result.objective
  }
}
