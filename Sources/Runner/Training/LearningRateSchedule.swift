import Foundation

/// How the learning rate changes over a run of N steps, with a peak r and a final rate f.
///
/// The first W steps warm up: step s has r (s + 1) / W. After them, with p = (s - W) / (N - W):
///
///     constant   r
///     linear     r + (f - r) p
///     cosine     f + (r - f) (1 + cos(π p)) / 2
public struct LearningRateSchedule: Equatable, Sendable, Codable {
  /// The form after warming up.
  public enum Form: String, Sendable, Codable, CaseIterable {
    case constant, cosine, linear
  }

  public var form = Form.constant
  /// Steps of warming up: W.
  public var warmup = 0
  /// The rate that the form ends in; 0 if nil.
  public var final: Float?

  public init(_ form: Form = .constant, warmup: Int = 0, final: Float? = nil) {
    self.form = form
    self.warmup = warmup
    self.final = final
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
    }
  }
}
