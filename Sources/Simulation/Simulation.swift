import CRanks
import Foundation
import Planning
import Toolchain

/// Runs updates of a model under SimGrid: the very exchanges of its ranks, with the seconds between them.
public struct Simulation {
  /// What an update of so many ranks takes.
  public struct Result: Hashable, Sendable, Encodable {
    public var ranks: Int

    /// Of an update, all ranks together.
    public var batches: Int
    public var seconds: Double

    /// The share of an update in which a rank waits, as a mean of all.
    public var waitingShare: Double

    /// That each rank sends, and so many come.
    public var bytesSent: Int

    /// Seconds of the same update on one rank, over the seconds of all ranks together.
    public var efficiency: Double
  }

  private let plan: Plan
  private let pace: Pace
  private let network: Network
  private let simulator: SimGrid

  public init(_ plan: Plan, pace: Pace, network: Network, simulator: SimGrid) {
    (self.plan, self.pace, self.network, self.simulator) = (plan, pace, network, simulator)
  }

  /// An update of some ranks.
  ///
  /// - Parameters:
  ///   - batches: of each rank.
  /// - Throws: `ToolchainError` if SimGrid fails.
  public func result(ranks: Int, batches: Int) throws -> Result {
    let timeline = Timeline(plan, ranks: ranks, batches: batches, pace: pace)
    if ranks == 1 {
      return Result(
        ranks: 1, batches: batches, seconds: timeline.alone, waitingShare: 0, bytesSent: 0,
        efficiency: 1)
    }
    let text =
      switch network {
      case .cluster(let bits, let latency):
        Network.platform(machines: ranks, bits: bits, latency: latency)
      case .file(let path): try String(contentsOfFile: path, encoding: .utf8)
      }
    let times = try simulator.run(
      String(cString: ranks_skeleton_c()), script: timeline.script, platform: text, ranks: ranks,
      largestMessage: timeline.largestMessage)
    let seconds = times.map(\.seconds).max() ?? 0
    let waited = times.map(\.waited).reduce(0, +) / Double(max(times.count, 1))
    return Result(
      ranks: ranks, batches: ranks * batches, seconds: seconds,
      waitingShare: seconds > 0 ? waited / seconds : 0, bytesSent: timeline.sent,
      efficiency: seconds > 0 ? timeline.alone / (Double(ranks) * seconds) : 0)
  }
}
