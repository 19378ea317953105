import Foundation

/// How the learning rate changes over a run of N steps, with a peak r and a final rate f.
///
/// The first W steps warm up: step s has r (s + 1) / W. After them, with p = (s - W) / (N - W), and
/// q = max(0, s - (N - D)) / D where the last D steps decay:
///
///     constant       r
///     linear         r + (f - r) p
///     cosine         f + (r - f) (1 + cos(π p)) / 2
///     wsd, 1-sqrt    f + (r - f) (1 - √q)
///     wsd, linear    f + (r - f) (1 - q)
public struct LearningRateSchedule: Equatable, Sendable, Codable {
  /// The form after warming up.
  public enum Form: String, Sendable, Codable, CaseIterable {
    case constant, cosine, linear
    /// Warmup, stable, decay (Hu et al. 2024): constant up to the last steps.
    case wsd
  }

  /// How the last steps of `wsd` decay.
  public enum DecayForm: String, Sendable, Codable, CaseIterable {
    /// Hägele et al. 2024.
    case root = "1-sqrt"
    case linear
  }

  public var form = Form.constant
  /// Steps of warming up: W.
  public var warmup = 0
  /// The rate that the form ends in; 0 if nil.
  public var final: Float?
  /// Steps at the end in which `wsd` decays: D. If nil, a fifth of all, or what warming up leaves.
  public var decaySteps: Int?
  /// Nil is `root`.
  public var decayForm: DecayForm?

  public init(
    _ form: Form = .constant, warmup: Int = 0, final: Float? = nil, decaySteps: Int? = nil,
    decayForm: DecayForm? = nil
  ) {
    self.form = form
    self.warmup = warmup
    self.final = final
    self.decaySteps = decaySteps
    self.decayForm = decayForm
  }

  /// The rate of step `step` of `steps`; exactly `peak` wherever nothing changes it.
  public func rate(at step: Int, of steps: Int, peak: Float) -> Float {
    if step < warmup { return Float(Double(peak) * Double(step + 1) / Double(warmup)) }
    let progress = Double(step - warmup) / Double(max(1, steps - warmup))
    let peak = Double(peak)
    let end = Double(final ?? 0)
    switch form {
    case .constant: return Float(peak)
    case .linear: return Float(peak + (end - peak) * progress)
    case .cosine: return Float(end + (peak - end) * (1 + cos(.pi * progress)) / 2)
    case .wsd: return Float(peak + (end - peak) * decay(at: step, of: steps))
    }
  }

  /// Steps that decay in a run of so many.
  public func decaySteps(of steps: Int) -> Int {
    decaySteps ?? max(1, min((steps + 4) / 5, steps - warmup))
  }

  /// How far the rate is on its way down at the end, 0 to 1: √q or q.
  private func decay(at step: Int, of steps: Int) -> Double {
    let length = decaySteps(of: steps)
    let share = Double(max(0, step - (steps - length))) / Double(length)
    switch decayForm ?? .root {
    case .root: return share.squareRoot()
    case .linear: return share
    }
  }
}
