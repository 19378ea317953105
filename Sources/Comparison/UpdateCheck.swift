import GraphIR
import Interpreter
import ModelRuntime

/// A library's steps beside those of AdamW, each on what the library had before it.
///
/// The gradients are those that its own first moments tell, g = (m' - β₁ m) / (1 - β₁): nothing but the update is
/// looked at, and rounding of what comes before has no part in it.
struct UpdateCheck {
  private let trial: Trial
  private let hyper: Hyperparameters
  /// The same numbers, rounded as the library has them.
  private let optimizer: Optimizer

  init(_ trial: Trial) {
    self.trial = trial
    hyper = Hyperparameters(trial.library.manifest.defaults, seed: trial.seed)
    optimizer = .adamW(
      learningRate: Double(hyper.learningRate), beta1: Double(hyper.beta1),
      beta2: Double(hyper.beta2), epsilon: Double(hyper.epsilon),
      weightDecay: Double(hyper.weightDecay))
  }

  /// What a parameter's update reads and writes.
  private struct Numbers {
    var values: [Float]
    var first: [Float] = []
    var second: [Float] = []
    var steps: [Float] = []
  }

  /// What each parameter's updates in two steps are, by how many times what single precision leaves of an element they
  /// are off: above 1 they are wrong.
  ///
  /// - Parameter oracle: a run with the first step's experts.
  func disagreements(_ oracle: Run) throws -> [Disagreement] {
    let model = try trial.model()
    let parameters = trial.reference.parameters.filter { !$0.parameter.isState }
    var found: [Disagreement] = []
    var before = try parameters.map { try numbers(of: $0.parameter.name, in: model) }
    for number in 1...2 {
      // Some experts have no rows in a text of one token.
      let tokens = number == 1 ? trial.tokens : trial.ofOneToken
      let loss = try model.trainStep(tokens: tokens, targets: trial.targets, with: hyper)
      guard loss.isFinite else { break }
      let after = try parameters.map { try numbers(of: $0.parameter.name, in: model) }
      for (index, (node, parameter)) in parameters.enumerated() {
        let known = number == 1 ? active(node, in: oracle) : nil
        let parts = compare(parameter, before[index], after[index], active: known)
        if var worst = parts.max(by: { $0.error < $1.error }) {
          worst.name += " after step \(number)"
          found.append(worst)
        }
      }
      before = after
    }
    return found
  }

  private func numbers(of name: String, in model: Model) throws -> Numbers {
    var numbers = Numbers(values: try model.read(named: name))
    guard try model.keeps(.firstMoment, of: model.index(of: name)) else { return numbers }
    numbers.first = try model.read(.firstMoment, named: name)
    numbers.second = try model.read(.secondMoment, named: name)
    numbers.steps = try model.read(.stepCounts, named: name)
    return numbers
  }

  /// Which of a parameter's experts take part in the first step.
  private func active(_ node: Int, in oracle: Run) -> [Bool] {
    let active = AdamWReference.activeSlices(of: node, in: oracle)
    // A step without any target changes nothing.
    let isLeftOut = trial.targets.allSatisfy { $0 == Input.ignoredTarget }
    return isLeftOut ? active.map { _ in false } : active
  }
}

extension UpdateCheck {
  private func compare(
    _ parameter: Parameter, _ before: Numbers, _ after: Numbers, active: [Bool]?
  ) -> [Disagreement] {
    let name = parameter.name
    guard !before.first.isEmpty else {
      return [Self.unchanged("value", of: name, before.values[...], after.values[...])]
    }
    let made = zip(before.steps, after.steps).map { $1 - $0 }
    var found: [Disagreement] = []
    if let active {
      found.append(Disagreement("steps of \(name)", made, active.map { $0 ? 1 : 0 }))
    }
    let each = before.values.count / made.count
    for (expert, made) in made.enumerated() {
      let range = expert * each..<(expert + 1) * each
      if made == 0 {
        found += [
          Self.unchanged("value", of: name, before.values[range], after.values[range]),
          Self.unchanged("first moment", of: name, before.first[range], after.first[range]),
          Self.unchanged("second moment", of: name, before.second[range], after.second[range]),
        ]
      } else {
        let step = AdamWStep(optimizer, parameter, number: Double(after.steps[expert]))
        found.append(seconds(name, before, after, range, step))
        found.append(values(name, before, after, range, step))
      }
    }
    return found
  }

  private static func unchanged(
    _ what: String, of name: String, _ before: ArraySlice<Float>, _ after: ArraySlice<Float>
  ) -> Disagreement {
    Disagreement(
      "\(what) of \(name), which makes no step,", Array(after), before.map(Double.init),
      allowed: before.map { _ in 0 })
  }

  private func seconds(
    _ name: String, _ before: Numbers, _ after: Numbers, _ range: Range<Int>, _ step: AdamWStep
  ) -> Disagreement {
    let (beta1, beta2) = (optimizer.beta1, optimizer.beta2)
    var (expected, allowed): ([Double], [Double]) = ([], [])
    for i in range {
      let (old, new) = (Double(before.first[i]), Double(after.first[i]))
      let gradient = (new - beta1 * old) / (1 - beta1)
      let unsure = (0x1p-22 * (abs(new) + abs(old)) + 1e-43) / (1 - beta1)
      let second = step.second(after: Double(before.second[i]), gradient: gradient)
      expected.append(second)
      allowed.append(
        1e-5 * second + (1 - beta2) * (2 * abs(gradient) + unsure) * unsure + 1e-40)
    }
    return Disagreement(
      "second moment of \(name)", Array(after.second[range]), expected, allowed: allowed)
  }

  private func values(
    _ name: String, _ before: Numbers, _ after: Numbers, _ range: Range<Int>, _ step: AdamWStep
  ) -> Disagreement {
    var (expected, allowed): ([Double], [Double]) = ([], [])
    for i in range {
      let (first, second) = (Double(after.first[i]), Double(after.second[i]))
      expected.append(step.value(after: Double(before.values[i]), first: first, second: second))
      let unit = max(abs(before.values[i]), abs(after.values[i])).ulp
      allowed.append(4 * Double(unit) + 1e-5 * abs(step.change(first: first, second: second)))
    }
    return Disagreement(
      "value of \(name)", Array(after.values[range]), expected, allowed: allowed)
  }
}
