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
    /// How many results were compared: losses, terms, gradients, states, updates and logits.
    public var compared = 0
    public var wrong: [Disagreement] = []
    public var closest: Disagreement?

    /// Results of which nothing can be said, as rounding leaves too little of them or decides what they are.
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

  /// Compares losses in training and evaluation, the objective's terms, all gradients, and the logits of texts of
  /// every length, which go on from what the shorter ones left behind; then two steps of one model, their states,
  /// gradients and updates, a second batch's gradients between them, and evaluation and logits after them.
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
    try compareGradients(of: trial, on: try trial.model(), oracle, "", &report)
    try compareSteps(oracle, &report)
  }

  /// What a batch's gradients come with: its loss and terms. `batch` is said after their names.
  func compareGradients(
    of trial: Trial, on model: Model, _ oracle: OraclePair, _ batch: String, _ report: inout Report
  ) throws {
    let loss = try model.gradients(
      tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
    compare("training loss\(batch)", [loss], oracle, scale: 1, &report) { $0[.loss]?.floats }
    try compareTerms(of: model, oracle, batch, &report)
    let names = trial.learned
    let largest = oracle.run.largestGradient(of: names)
    for name in names where oracle.run.gradient(of: name) != nil {
      compare(
        "gradient of \(name)\(batch)", try model.read(.gradient, named: name), oracle,
        scale: 1e-2 * largest, &report
      ) { $0.gradient(of: name) }
    }
  }

  /// The terms of the last batch's objective.
  func compareTerms(
    of model: Model, _ oracle: OraclePair, _ batch: String, _ report: inout Report
  ) throws {
    let terms = try model.terms()
    for (term, value) in zip(trial.library.manifest.terms, terms) {
      compare("term \(term.name)\(batch)", [value], oracle, scale: 1, &report) { run in
        run.terms[term.name].map { [$0] }
      }
    }
  }

  private func compareEvaluation(_ oracle: OraclePair, _ report: inout Report) throws {
    let model = try trial.model()
    let loss = try model.loss(tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
    compare("evaluation loss", [loss], oracle, scale: 1, &report) { $0[.loss]?.floats }
    try compareLogits(model, &report)
  }

  private func compareLogits(_ model: Model, _ report: inout Report) throws {
    for length in 1...trial.reference.context.size {
      let tokens = length == 1 ? "token" : "tokens"
      try compareLogits("logits of \(length) \(tokens)", trial, length, model, &report)
    }
  }

  /// The logits of the first tokens of a trial, as a text by themselves.
  func compareLogits(
    _ name: String, _ trial: Trial, _ length: Int, _ model: Model, _ report: inout Report
  ) throws {
    let text = Array(trial.tokens.prefix(length))
    let pair = try OraclePair(trial.oracle(of: text), [.logits])
    guard pair.isDecided else { return report.unsure.append(name) }
    let logits = try model.logits(tokens: text, seed: trial.seed)
    compare(name, logits, pair, scale: 1e-2, &report) { $0.logits }
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
