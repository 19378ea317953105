import GraphIR
import Interpreter
import ModelRuntime

extension Comparison {
  /// Gradients of a text of one token alone, on a model that had others before: nothing of those is left, also of experts
  /// without rows.
  func compareGradientsAgain(_ model: Model, _ report: inout Report) throws {
    var second = trial
    second.tokens = trial.ofOneToken
    let oracle = try OraclePair(second.interpreter(.training))
    guard oracle.isDecided else { return }
    _ = try model.gradients(tokens: second.tokens, targets: second.targets, seed: second.seed)
    try compareGradients(of: model, oracle, " after others", &report)
  }

  /// What a model has of all gradients; `when` is said after their names.
  func compareGradients(
    of model: Model, _ oracle: OraclePair, _ when: String, _ report: inout Report
  ) throws {
    let names = trial.learned
    let largest = oracle.run.largestGradient(of: names)
    for name in names where oracle.run.gradient(of: name) != nil {
      compare(
        "gradient of \(name)\(when)", try model.read(.gradient, named: name), oracle,
        scale: 1e-2 * largest, &report
      ) { $0.gradient(of: name) }
    }
  }

  /// A second step, of what the first left behind: its gradients are those of the parameters and states that the library
  /// has by then. Its text is one token alone, which leaves experts without rows.
  func compareSecondStep(_ report: inout Report) throws {
    // A step without any target changes nothing.
    if trial.targets.allSatisfy({ $0 == Input.ignoredTarget }) { return }
    let model = try trial.model()
    let hyper = Hyperparameters(trial.library.manifest.defaults, seed: trial.seed)
    let loss = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    guard loss.isFinite else { return }
    var second = trial
    second.tokens = trial.ofOneToken
    for name in trial.parameters.keys { second.parameters[name] = try model.read(named: name) }
    let oracle = try OraclePair(second.interpreter(.training))
    guard oracle.isDecided else { return }
    let names = trial.learned.filter { oracle.run.gradient(of: $0) != nil }
    let before = try names.map { try Moments($0, model) }
    let again = try model.trainStep(tokens: second.tokens, targets: second.targets, with: hyper)
    compare("loss of a second step", [again], oracle, scale: 1, &report) { $0[.loss]?.floats }
    for state in trial.library.manifest.states.map(\.name) {
      compare(
        "state \(state) after two steps", try model.read(named: state), oracle, scale: 1e-2, &report
      ) { $0.state(state) }
    }
    let largest = oracle.run.largestGradient(of: names)
    for (name, old) in zip(names, before) {
      let new = try Moments(name, model)
      let scale = 1e-2 * max(largest, old.largestGradient(hyper.beta1))
      compare(
        "gradient of \(name) in a second step", old.gradient(new, hyper.beta1), oracle,
        scale: scale,
        &report
      ) { $0.gradient(of: name) }
    }
  }
}

/// What tells a step's gradient afterwards.
private struct Moments {
  private let first: [Float]
  private let steps: [Float]

  init(_ name: String, _ model: Model) throws {
    first = try model.read(.firstMoment, named: name)
    steps = try model.read(.stepCounts, named: name)
  }

  /// g = (m' - β₁ m) / (1 - β₁); 0 of an expert that made no step.
  func gradient(_ new: Moments, _ beta1: Float) -> [Float] {
    let beta1 = Double(beta1)
    let each = first.count / steps.count
    return first.indices.map { i in
      if new.steps[i / each] == steps[i / each] { return 0 }
      return Float((Double(new.first[i]) - beta1 * Double(first[i])) / (1 - beta1))
    }
  }

  /// The size of the gradients so far: what rounding leaves of them is in the next one's.
  func largestGradient(_ beta1: Float) -> Double {
    Double(first.map(abs).max() ?? 0) / (1 - Double(beta1))
  }
}
