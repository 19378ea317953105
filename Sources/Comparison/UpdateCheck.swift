import GraphIR
import Interpreter
import ModelRuntime

/// What a library's step makes of its numbers, beside AdamW on what it had before.
///
/// The gradients are those that its own first moments tell, g = (m' - β₁ m) / (1 - β₁): nothing but the update is
/// looked at, and rounding of what comes before has no part in it.
struct UpdateCheck {
  private let trial: Trial
  private let parameters: [(node: Int, parameter: Parameter)]
  /// With numbers rounded as the library has them.
  private let optimizer: Optimizer

  init(_ trial: Trial, _ hyper: Hyperparameters) {
    self.trial = trial
    parameters = trial.reference.parameters.filter { !$0.1.isState }.map { ($0.0, $0.1) }
    optimizer = .adamW(
      learningRate: Double(hyper.learningRate), beta1: Double(hyper.beta1),
      beta2: Double(hyper.beta2), epsilon: Double(hyper.epsilon),
      weightDecay: Double(hyper.weightDecay))
  }

  /// What a parameter's update reads and writes; moments and steps of one that learns alone.
  struct Numbers {
    let name: String
    var values: [Float]
    var first: [Float] = []
    var second: [Float] = []
    var steps: [Float] = []

    /// g = (m' - β₁ m) / (1 - β₁), by what the step left; 0 of an expert that made none.
    func gradient(_ new: Numbers, _ beta1: Float) -> [Float] {
      let beta1 = Double(beta1)
      let each = first.count / max(steps.count, 1)
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

  func numbers(in model: Model) throws -> [Numbers] {
    try parameters.map { _, parameter in
      let name = parameter.name
      var numbers = Numbers(name: name, values: try model.read(named: name))
      guard try model.keeps(.firstMoment, of: model.index(of: name)) else { return numbers }
      numbers.first = try model.read(.firstMoment, named: name)
      numbers.second = try model.read(.secondMoment, named: name)
      numbers.steps = try model.read(.stepCounts, named: name)
      return numbers
    }
  }

  /// What each parameter's update is, by how many times what single precision leaves of an element it is off: above 1
  /// it is wrong.
  ///
  /// - Parameter oracle: a run of the step's batch, with its experts.
  func disagreements(_ before: [Numbers], _ after: [Numbers], _ oracle: Run) -> [Disagreement] {
    parameters.indices.compactMap { index in
      let (node, parameter) = parameters[index]
      let active = AdamWReference.activeSlices(of: node, in: oracle)
      return compare(
        parameter, before[index], after[index],
        active: trial.hasNoTarget ? active.map { _ in false } : active
      ).max { $0.error < $1.error }
    }
  }
}

extension UpdateCheck {
  private func compare(
    _ parameter: Parameter, _ before: Numbers, _ after: Numbers, active: [Bool]
  ) -> [Disagreement] {
    let name = parameter.name
    guard !before.first.isEmpty else {
      return [Self.unchanged("value", of: name, before.values[...], after.values[...])]
    }
    let made = zip(before.steps, after.steps).map { $1 - $0 }
    let expected = active.map { $0 ? 1.0 : 0 }
    var found = [
      Disagreement("steps of \(name)", made, expected, allowed: expected.map { _ in 0 })
    ]
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
      let change = abs(step.change(first: first, second: second))
      allowed.append(4 * Double(unit) + (1e-5 + step.roundingOfDivisor(second)) * change)
    }
    return Disagreement(
      "value of \(name)", Array(after.values[range]), expected, allowed: allowed)
  }
}
