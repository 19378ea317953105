import Foundation
import GraphIR

/// One step of AdamW (Loshchilov and Hutter 2019), element by element.
///
///     m' = β₁ m + (1 - β₁) g    v' = β₂ v + (1 - β₂) g²
///     p' = p (1 - lr · wd) - lr / (1 - β₁ᵗ) · m' / (√v' / √(1 - β₂ᵗ) + epsilon)
public struct AdamWStep: Sendable {
  private let optimizer: Optimizer
  private let decay: Double
  /// What the change is multiplied by, and the second moment's root divided by: both moments began with 0.
  private let rate: Double
  private let correction: Double

  /// A parameter's step of a number, t, which begins with 1.
  public init(_ optimizer: Optimizer, _ parameter: Parameter, number: Double) {
    self.optimizer = optimizer
    decay = parameter.decays ? 1 - optimizer.learningRate * optimizer.weightDecay : 1
    rate = optimizer.learningRate / (1 - pow(optimizer.beta1, number))
    correction = (1 - pow(optimizer.beta2, number)).squareRoot()
  }

  public func first(after old: Double, gradient: Double) -> Double {
    optimizer.beta1 * old + (1 - optimizer.beta1) * gradient
  }

  public func second(after old: Double, gradient: Double) -> Double {
    optimizer.beta2 * old + (1 - optimizer.beta2) * gradient * gradient
  }

  public func value(after old: Double, first: Double, second: Double) -> Double {
    old * decay - change(first: first, second: second)
  }

  /// By how much the moments move the value.
  public func change(first: Double, second: Double) -> Double {
    rate * (first / (second.squareRoot() / correction + optimizer.epsilon))
  }

  /// What single precision may leave off the divisor of a change, of which it holds √v' + epsilon √(1 - β₂ᵗ), relative to it:
  /// the product may be so small that few of its digits are left.
  public func roundingOfDivisor(_ second: Double) -> Double {
    0x1p-149 / (second.squareRoot() + optimizer.epsilon * correction)
  }
}
