import Benchmark
import GraphIR
import Planning

/// How fast a rank computes, alone with its processors.
public struct Pace: Hashable, Sendable {
  /// Seconds of one pass through each use of a layer, for one batch.
  public var forward: [Double]
  public var backward: [Double]

  /// Bytes a second of AdamW, and of sums of gradients.
  public var sweep: Double
  public var memory: Double

  /// As if every floating-point operation took the same time.
  ///
  /// - Parameters:
  ///   - flops: floating-point operations a second.
  ///   - memory: bytes a second.
  public init(_ plan: Plan, flops: Double, memory: Double) {
    func seconds(_ phase: Phase) -> [Double] {
      plan.uses.map { Double(plan.layers[$0.layer].flops(phase)) / flops }
    }
    self.init(
      forward: seconds(.forward), backward: seconds(.backward), sweep: memory, memory: memory)
  }

  /// What a benchmark of the library measured, call by call.
  public init(_ plan: Plan, _ report: BenchmarkReport) {
    let calls = report.profiles.first { $0.work == .step }?.calls ?? []
    func seconds(_ phase: Phase) -> [Double] {
      plan.uses.map { use in
        let name = plan.layers[use.layer].name
        let uses = plan.uses.count { $0.layer == use.layer }
        let all = calls.filter { $0.layer == name && $0.phase == phase.rawValue }
        return all.reduce(0) { $0 + $1.cost.time } / 1e3 / Double(max(uses, 1))
      }
    }
    self.init(
      forward: seconds(.forward), backward: seconds(.backward),
      sweep: report.machine.sweep * 1e9, memory: report.machine.memory * 1e9)
  }

  private init(forward: [Double], backward: [Double], sweep: Double, memory: Double) {
    (self.forward, self.backward) = (forward, backward)
    (self.sweep, self.memory) = (sweep, memory)
  }

  /// Seconds of a batch, forward and backward.
  var batch: Double { (forward + backward).reduce(0, +) }

  /// Seconds of AdamW on so many numbers: value, gradient and two moments, read and written.
  func update(_ numbers: Int) -> Double { 28 * Double(numbers) / sweep }

  /// Seconds in which so many numbers are added to others.
  func sum(_ numbers: Int) -> Double { 12 * Double(numbers) / memory }
}
