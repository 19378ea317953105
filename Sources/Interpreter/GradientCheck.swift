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

    /// Nothing: every step meets a kink or another choice of experts, is too long for what changes fast, or leaves no
    /// finite objective.
    case undecided
  }

  /// Differences of double-precision objectives are good to about 1e-9 of the slope.
  public static let tolerance = 1e-5

  private let interpreter: Interpreter
  private let run: Run
  private let graph: Graph

  /// Runs the graph, with its gradients, on random tokens, some of whose targets are ignored. Parameters are drawn as
  /// they are at first, but for constant ones, which are moved, unless that leaves no finite objective.
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
    let initial = interpreter.parameters
    interpreter.parameters = Interpreter.variedParameters(of: graph, seed: seed)
    var run = try interpreter.run()
    if run.objective?.isFinite == false {
      interpreter.parameters = initial
      run = try interpreter.run()
    }
    if let objective = run.objective, !objective.isFinite {
      throw Diagnostic(
        at: nil, "what is to be made small is \(objective) at first, and has no gradients to check",
        hint: "look for a division by 0, or a logarithm or root of what may be negative")
    }
    (self.interpreter, self.run) = (interpreter, run)
  }

  /// A result for each parameter that has a gradient.
  ///
  /// - Throws: a `Diagnostic` if nothing can be said of any.
  public func results() throws(Diagnostic) -> [Result] {
    let names = graph.parameters.map(\.parameter.name).filter { run.gradient(of: $0) != nil }
    // A gradient that is 0 in theory is rounding in practice: it is measured against the others.
    let largest = names.map { size(of: run.gradient(of: $0) ?? []) }.max() ?? 0
    var results: [Result] = []
    for name in names { results.append(try result(of: name, floor: 1e-4 * largest)) }
    if let first = results.first, results.allSatisfy({ $0.verdict == .undecided }) {
      throw Diagnostic(
        at: nil,
        "every small step in \(first.parameter) changes which experts are chosen, meets a kink, or leaves no "
          + "finite loss",
        hint: "the router's logits are too close to each other, or numbers too large")
    }
    return results
  }

  /// Steps along a direction. The last are for objectives of so many kinks, or so steep, that every longer step meets
  /// one.
  private static let steps = [1e-5, 1e-6, 1e-5, 1e-6, 1e-5, 1e-6, 1e-7, 1e-8, 1e-7, 1e-8]

  /// A direction that a kink or another choice of experts spoils is followed by other ones; a
  /// wrong gradient is wrong along all of them.
  private func result(of name: String, floor: Double) throws(Diagnostic) -> Result {
    var wrong: Result?
    for (attempt, step) in Self.steps.enumerated() {
      let found = try compare(name, stream: UInt64(attempt), step: step, floor: floor)
      if let found, found.isRight { return found }
      wrong = found ?? wrong
    }
    let gradient = run.gradient(of: name) ?? []
    return wrong
      ?? Result(
        parameter: name, analytic: .nan, numeric: .nan, relativeError: .nan,
        isZero: gradient.allSatisfy { $0 == 0 }, verdict: .undecided)
  }

  /// Nil if the steps change whole numbers, such as which experts are chosen, if they leave no finite objective, if
  /// they are so short that rounding is all one sees, or if they show nothing of the slope.
  private func compare(
    _ name: String, stream: UInt64, step: Double, floor: Double
  ) throws(Diagnostic) -> Result? {
    let gradient = run.gradient(of: name) ?? []
    let key = CounterRandom.key(seed: 99, stream: stream)
    let direction = gradient.indices.map { CounterRandom.normal(key, UInt32($0)) }
    var values: [Double] = []
    for factor in [1.0, -1, 2, -2] {
      guard let value = try objective(of: name, along: direction, by: factor * step),
        value.isFinite
      else { return nil }
      values.append(value)
    }
    // Four points instead of two: steps can be long enough for rounding to vanish.
    let numeric = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * step)
    let slopes = zip(gradient, direction).map { $0 * $1 }
    let analytic = slopes.reduce(0, +)
    let unseen = Self.unseen(values, step: step)
    if step < 1e-6, unseen > 10 * max(abs(numeric), self.size(of: slopes)) { return nil }
    let size = max(abs(numeric), self.size(of: slopes), floor, unseen)
    let error = size == 0 ? 0 : abs(analytic - numeric) / size
    let isRight = error < Self.tolerance
    if !isRight, !Self.areTelling(values, step: step, off: abs(analytic - numeric)) { return nil }
    return Result(
      parameter: name, analytic: analytic, numeric: numeric, relativeError: error,
      isZero: gradient.allSatisfy { $0 == 0 }, verdict: isRight ? .right : .wrong)
  }

  /// Whether differences of an objective that is smooth within the steps can be off by so much.
  ///
  /// Of a kink the slopes on both sides differ, however short the steps are, and the slope at the point may be any
  /// between them: so it is where a model explodes, whose softmax is as steep as a stair. And where steps twice as long
  /// give another slope, as of a sine that turns faster than they are long, they show nothing of it.
  private static func areTelling(_ values: [Double], step: Double, off: Double) -> Bool {
    let bend = abs(values[2] + values[3] - values[0] - values[1]) / (2 * step)
    let (short, long) = ((values[0] - values[1]) / (2 * step), (values[2] - values[3]) / (4 * step))
    let change = abs(short - long)
    return off > 2 * bend
      && (change < 1e-3 * max(abs(short), abs(long)) || change < rounding(values, step: step))
  }

  /// The slope of which differences say no more than that it is small: where it is 0 in theory for all parameters,
  /// or next to it, they are the rounding of the objective, made large by the step.
  private static func unseen(_ values: [Double], step: Double) -> Double {
    rounding(values, step: step) / tolerance
  }

  /// What rounding of the objective is as a slope.
  private static func rounding(_ values: [Double], step: Double) -> Double {
    8 * .ulpOfOne * (1 + (values.map(abs).max() ?? 0)) / step
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

  private func size(of numbers: [Double]) -> Double {
    numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
