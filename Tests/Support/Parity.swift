import Comparison
import Foundation

/// The largest differences of a model from a fixture: of losses as they are, of other tensors relative to
/// their largest element.
public struct Differences: Sendable, CustomStringConvertible {
  /// Of cross-entropy in each step, and of the terms beside it.
  public var loss: Double

  /// Of the first step.
  public var (logits, gradients): (Double, Double)

  /// Of parameters and states after the last step.
  public var final: Double

  public init(loss: Double = 0, logits: Double = 0, gradients: Double = 0, final: Double = 0) {
    (self.loss, self.logits, self.gradients, self.final) = (loss, logits, gradients, final)
  }

  public var description: String {
    let numbers = [loss, logits, gradients, final].map { String(format: "%.0e", $0) }
    return "loss \(numbers[0]), logits \(numbers[1]), gradients \(numbers[2]), final \(numbers[3])"
  }
}

/// The comparison of a model with a fixture, tensor by tensor.
public struct Parity {
  public private(set) var differences = Differences()

  /// The gradient and the parameter that are furthest from what they should be.
  public private(set) var worst: [String: Disagreement] = [:]
  private let fixture: Fixture

  /// The fixture has no such tensor.
  public struct Missing: Error { let tensor: String }

  public init(_ fixture: Fixture) { self.fixture = fixture }

  /// The cross-entropy of a step and the terms of its objective.
  public mutating func addLoss(_ loss: Float, _ terms: [Float], step: Int) throws {
    let expected = try numbers("losses")[step]
    differences.loss = max(differences.loss, abs(Double(loss) - expected))
    let all = try fixture.numbers("terms").map { $0.map(Double.init) } ?? []
    let count = all.count / fixture.steps
    let found = Disagreement(
      "terms", terms, Array(all[step * count..<(step + 1) * count]), scale: 1)
    differences.loss = max(differences.loss, found.error)
  }

  public mutating func addLogits(_ logits: [Float]) throws {
    let found = Disagreement("logits", logits, try numbers("logits"))
    differences.logits = max(differences.logits, found.error)
  }

  /// The gradients of all parameters; small beside the largest of all count as far as that.
  public mutating func addGradients(_ gradient: (String) throws -> [Float]?) throws {
    let names = fixture.names(in: "gradient/")
    let largest = try names.map { try numbers("gradient/\($0)").largest }.max() ?? 0
    for name in names {
      let found = Disagreement(
        "gradient of \(name)", try gradient(name) ?? [], try numbers("gradient/\(name)"),
        scale: 1e-3 * largest)
      differences.gradients = max(differences.gradients, found.error)
      add(found, "gradient")
    }
  }

  /// All parameters and states after the last step.
  public mutating func addFinal(_ value: (String) throws -> [Float]?) throws {
    for name in fixture.names(in: "final/") {
      let found = Disagreement(name, try value(name) ?? [], try numbers("final/\(name)"))
      differences.final = max(differences.final, found.error)
      add(found, "final")
    }
  }

  private mutating func add(_ found: Disagreement, _ kind: String) {
    if found.error >= worst[kind]?.error ?? 0 { worst[kind] = found }
  }

  private func numbers(_ tensor: String) throws -> [Double] {
    guard let numbers = try fixture.numbers(tensor) else { throw Missing(tensor: tensor) }
    return numbers.map(Double.init)
  }
}
