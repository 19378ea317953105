import GraphIR
import Interpreter
import ModelRuntime

extension Comparison {
  /// Two steps of one model, each on what it had before, and what it computes between and after them: nothing of an
  /// earlier batch is left, and a step changes parameters, moments and states alone.
  func compareSteps(_ oracle: OraclePair, _ report: inout Report) throws {
    let model = try trial.model()
    let context = trial.reference.context.size
    // What is kept of a text is no longer true after a step.
    _ = try model.logits(tokens: Array(trial.tokens.prefix(max(1, context - 1))), seed: trial.seed)
    let hyper = Hyperparameters(trial.library.manifest.defaults, seed: trial.seed)
    let isFinite = try compareStep(1, of: trial, hyper, on: model, oracle, &report)
    guard isFinite, let (second, oracle) = try secondBatch(of: model) else {
      return report.unsure.append("a second step")
    }
    try compareGradients(of: second, on: model, oracle, " of a second batch", &report)
    _ = try compareStep(2, of: second, hyper.second(second.seed), on: model, oracle, &report)
    try compareAfterSteps(model, &report)
  }

  /// A step, which may update parameters while gradients go back: its gradients are what its first moments tell.
  ///
  /// - Returns: whether its loss is finite, as otherwise no step is made.
  private func compareStep(
    _ number: Int, of batch: Trial, _ hyper: Hyperparameters, on model: Model,
    _ oracle: OraclePair, _ report: inout Report
  ) throws -> Bool {
    let check = UpdateCheck(batch, hyper)
    let before = try check.numbers(in: model)
    let loss = try model.trainStep(tokens: batch.tokens, targets: batch.targets, with: hyper)
    compare("loss of step \(number)", [loss], oracle, scale: 1, &report) { $0[.loss]?.floats }
    try compareTerms(of: model, oracle, " of step \(number)", &report)
    let isLeftOut = batch.hasNoTarget
    for state in batch.library.manifest.states.map(\.name) {
      compare(
        "state \(state) after step \(number)", try model.read(named: state), oracle, scale: 1e-2,
        &report
      ) { isLeftOut ? batch.parameters[state]?.map(Double.init) : $0.state(state) }
    }
    guard loss.isFinite else { return false }
    let after = try check.numbers(in: model)
    let largest = oracle.run.largestGradient(of: batch.learned)
    for (old, new) in zip(before, after) where oracle.run.gradient(of: old.name) != nil {
      compare(
        "gradient of \(old.name) in step \(number)", old.gradient(new, hyper.beta1), oracle,
        scale: 1e-2 * max(largest, old.largestGradient(hyper.beta1)), &report
      ) { isLeftOut ? old.values.map { _ in 0 } : $0.gradient(of: old.name) }
    }
    for var found in check.disagreements(before, after, oracle.run) {
      found.name += " after step \(number)"
      report.compared += 1
      if found.error > 1 { report.wrong.append(found) }
    }
    return true
  }

  /// A batch that has nothing in common with the first but the parameters and states that the model has by now: other
  /// targets, another seed, and one token alone, which leaves experts without rows where one can.
  ///
  /// - Returns: nil if rounding decides which experts are chosen, whatever the token.
  private func secondBatch(of model: Model) throws -> (Trial, OraclePair)? {
    var batch = trial.withOtherTargets
    batch.seed = trial.seed &+ 1
    for name in trial.parameters.keys { batch.parameters[name] = try model.read(named: name) }
    var found: (Trial, OraclePair)?
    for token in Set(trial.tokens).sorted().prefix(3) {
      batch.tokens = trial.tokens.map { _ in token }
      let oracle = try OraclePair(batch.interpreter(.training))
      guard oracle.isDecided else { continue }
      found = found ?? (batch, oracle)
      let active = batch.reference.parameters.map {
        AdamWReference.activeSlices(of: $0.0, in: oracle.run)
      }
      if active.joined().contains(false) { return (batch, oracle) }
      if active.allSatisfy({ $0.count == 1 }) { break }
    }
    return found
  }

  /// Evaluation and logits by the parameters that two steps left.
  private func compareAfterSteps(_ model: Model, _ report: inout Report) throws {
    var trial = trial
    for name in trial.parameters.keys { trial.parameters[name] = try model.read(named: name) }
    let context = trial.reference.context.size
    try compareLogits("logits after step 2", trial, context, model, &report)
    let oracle = try OraclePair(trial.interpreter(.evaluation))
    guard oracle.isDecided else { return report.unsure.append("evaluation loss after step 2") }
    let loss = try model.loss(tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
    compare("evaluation loss after step 2", [loss], oracle, scale: 1, &report) {
      $0[.loss]?.floats
    }
  }
}

extension Hyperparameters {
  /// Other numbers for a second step, as schedules give them; decay is seen of a model that has none.
  fileprivate func second(_ seed: UInt64) -> Hyperparameters {
    var second = self
    second.seed = seed
    second.learningRate = max(learningRate / 2, .leastNonzeroMagnitude)
    second.weightDecay = weightDecay > 0 ? weightDecay / 2 : min(0.125, 1 / learningRate)
    return second
  }
}

extension Trial {
  /// With every target at the place before, one of them ignored where two are left; some that are not, where all were.
  fileprivate var withOtherTargets: Trial {
    var other = self
    if hasNoTarget {
      other.targets = tokens
    } else {
      other.targets = Array(targets.dropFirst() + targets.prefix(1))
      let left = other.targets.indices.filter { other.targets[$0] != Input.ignoredTarget }
      if left.count > 1 { other.targets[left[0]] = Input.ignoredTarget }
    }
    return other
  }
}
