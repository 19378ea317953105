import GraphIR
import Interpreter
import ModelRuntime

/// The compiled C of a model beside the interpreter, as far as rounding lets them be compared.
///
/// The oracle runs twice, the second time with every op's results rounded to single precision as if by
/// somebody else's kernels: what differs by far more than these two runs do is wrong. Where two experts
/// are chosen by a hair, rounding decides, and nothing can be said.
public struct Comparison {
  /// What is wrong, and how close the rest is.
  public struct Report {
    /// What was compared: losses, gradients, logits, first moments.
    public var compared = 0
    public var wrong: [Disagreement] = []
    public var closest: Disagreement?

    /// Results of which rounding leaves so little that nothing can be said of them.
    public var unsure: [String] = []

    mutating func add(_ found: Disagreement, allowed: Double) {
      guard allowed <= Comparison.coarsest else { return unsure.append(found.name) }
      compared += 1
      if found.error > allowed {
        wrong.append(found)
      } else if found.error >= closest?.error ?? 0 {
        closest = found
      }
    }
  }

  /// Differences of single-precision results, relative to the largest element, that need no reason.
  public static let tolerance = 1e-4

  /// How many times the effect of rounding each op's results a difference may be: kernels add up in
  /// single precision, and fused ones round what the graph never sees.
  static let amplification = 50.0

  /// Where a larger difference than this would have to be allowed, a comparison would show nothing.
  static let coarsest = 0.1

  private(set) var trial: Trial
  private let initial: [String: [Float]]

  /// Draws parameters, none of them constant throughout, as zeros and ones hide mistakes, unless that leaves no finite
  /// objective.
  ///
  /// - Parameter ignored: which targets are ignored.
  public init(
    _ reference: Graph, _ library: ModelLibrary, seed: UInt64,
    ignoring ignored: IgnoredTargets = .none
  ) {
    trial = Trial(reference, library, seed: seed, ignoring: ignored)
    initial = trial.parameters
    trial.parameters = Interpreter.variedParameters(of: reference, seed: seed)
      .mapValues { $0.map(Float.init) }
  }

  /// Compares losses in training and evaluation, the objective's terms, all gradients, one step's first
  /// moments and states, two steps' updates, a second step's gradients, and the logits of texts of every length, which
  /// go on from what the shorter ones left behind.
  ///
  /// - Returns: nil if rounding decides which experts are chosen, or numbers are too large for C.
  /// - Throws: what the library or the interpreter refuses.
  public func report() throws -> Report? {
    let training = try OraclePair(trial.interpreter(.training))
    if training.run.objective?.isFinite != false { return try report(training) }
    // What is moved may be below 0, in a root or a logarithm.
    var first = self
    first.trial.parameters = initial
    return try first.report(OraclePair(first.trial.interpreter(.training)))
  }

  private func report(_ training: OraclePair) throws -> Report? {
    let evaluation = try OraclePair(trial.interpreter(.evaluation))
    guard training.isDecided, evaluation.isDecided else { return nil }
    var report = Report()
    try compareTraining(training, &report)
    try compareEvaluation(evaluation, &report)
    return report
  }

  /// Compares the logits of texts of every length, of a library that learns nothing.
  public func reportOfLogits() throws -> Report {
    var report = Report()
    try compareLogits(try trial.model(), &report)
    return report
  }
}

extension Comparison {
  private func compareTraining(_ oracle: OraclePair, _ report: inout Report) throws {
    let (tokens, targets, seed) = (trial.tokens, trial.targets, trial.seed)
    let model = try trial.model()
    let loss = try model.gradients(tokens: tokens, targets: targets, seed: seed)
    compare("training loss", [loss], oracle, scale: 1, &report) { $0[.loss]?.floats }
    for (index, term) in trial.library.manifest.terms.enumerated() {
      compare("term \(term.name)", [try model.terms()[index]], oracle, scale: 1, &report) { run in
        run.terms[term.name].map { [$0] }
      }
    }
    let names = trial.learned
    let largest = oracle.run.largestGradient(of: names)
    try compareGradients(of: model, oracle, "", &report)
    try compareGradientsAgain(model, &report)
    try compareStep(oracle, names, largest, &report)
  }

  /// A whole step, which may update parameters while gradients go back: its first moments are the
  /// gradients, but for a factor.
  private func compareStep(
    _ oracle: OraclePair, _ names: [String], _ largest: Double, _ report: inout Report
  ) throws {
    let model = try trial.model()
    let hyper = Hyperparameters(trial.library.manifest.defaults, seed: trial.seed)
    let loss = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    compare("loss of a step", [loss], oracle, scale: 1, &report) { $0[.loss]?.floats }
    // A step without any target changes nothing.
    let isLeftOut = trial.targets.allSatisfy { $0 == Input.ignoredTarget }
    for state in trial.library.manifest.states.map(\.name) {
      compare("state \(state)", try model.read(named: state), oracle, scale: 1e-2, &report) {
        isLeftOut ? trial.parameters[state]?.map(Double.init) : $0.state(state)
      }
    }
    let factor = 1 - Double(hyper.beta1)
    guard factor > 0 else { return }
    for name in names where oracle.run.gradient(of: name) != nil {
      let moments = try model.read(.firstMoment, named: name).map { Float(Double($0) / factor) }
      compare("first moment of \(name)", moments, oracle, scale: 1e-2 * largest, &report) { run in
        isLeftOut ? moments.map { _ in 0 } : run.gradient(of: name)
      }
    }
    for found in try UpdateCheck(trial).disagreements(oracle.run) {
      report.compared += 1
      if found.error > 1 { report.wrong.append(found) }
    }
    try compareSecondStep(&report)
  }

  private func compareEvaluation(_ oracle: OraclePair, _ report: inout Report) throws {
    let model = try trial.model()
    let loss = try model.loss(tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
    compare("evaluation loss", [loss], oracle, scale: 1, &report) { $0[.loss]?.floats }
    try compareLogits(model, &report)
  }

  private func compareLogits(_ model: Model, _ report: inout Report) throws {
    for length in 1...trial.reference.context.size {
      let text = Array(trial.tokens.prefix(length))
      let pair = try OraclePair(trial.oracle(of: text), [.logits])
      guard pair.isDecided else { continue }
      compare(
        "logits of \(length) \(length == 1 ? "token" : "tokens")",
        try model.logits(tokens: text, seed: trial.seed), pair, scale: 1e-2, &report
      ) { $0.logits }
    }
  }

  func compare(
    _ name: String, _ actual: [Float], _ oracle: OraclePair, scale: Double,
    _ report: inout Report, _ tensor: (Run) -> [Double]?
  ) {
    let expected = tensor(oracle.run) ?? []
    let found = Disagreement(name, actual, expected, scale: scale)
    func allowed(_ rough: Run) -> Double {
      let other = (tensor(rough) ?? []).map(Float.init)
      let sensitivity = Disagreement(name, other, expected, scale: scale).error
      return Self.tolerance + Self.amplification * sensitivity
    }
    var most = allowed(oracle.rough)
    var others = oracle.others.makeIterator()
    while found.error > most, let rough = others.next() { most = max(most, allowed(rough)) }
    report.add(found, allowed: most)
  }
}

extension Run {
  /// The largest element of these parameters' gradients; where all are zero, as they are behind the one weight of
  /// a top-1 router, rounding leaves some of the numbers that cancel.
  func largestGradient(of names: [String]) -> Double {
    let largest = names.compactMap { gradient(of: $0)?.largest }.max() ?? 0
    return largest > 0 ? largest : values.joined().map(\.floats.largest).max() ?? 0
  }
}

extension Trial {
  /// The oracle for one text by itself, in evaluation.
  fileprivate func oracle(of text: [Int32]) -> Interpreter {
    Interpreter(
      reference, mode: .evaluation, seed: seed, tokens: text,
      parameters: parameters.mapValues { $0.map(Double.init) }, sequences: 1, length: text.count)
  }
}
