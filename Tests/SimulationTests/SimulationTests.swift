import CompiledModels
import Foundation
import ModelFixtures
import Planning
import Testing
import Toolchain

@testable import Simulation

/// What an update would take on many machines.
@Suite struct SimulationTests {
  private static let plan = Result { try Pipelines.plan(GatedModel().graph()) }

  private func timeline(ranks: Int, batches: Int = 1) throws -> Timeline {
    let plan = try Self.plan.get()
    return Timeline(
      plan, ranks: ranks, batches: batches, pace: Pace(plan, flops: 1e9, memory: 1e10))
  }

  @Test func aRankComputesItsBatchesAndItsShareOfTheStep() throws {
    let plan = try Self.plan.get()
    let pace = Pace(plan, flops: 1e9, memory: 1e10)
    let alone = try timeline(ranks: 1, batches: 2)
    let computed = alone.events.reduce(0.0) { sum, event in
      if case .compute(let seconds) = event { sum + seconds } else { sum }
    }
    #expect(abs(computed - alone.alone) < 1e-9 * alone.alone + pace.sum(1) * 1e5)
    #expect(alone.sent == 0)
  }

  /// Bytes are those of the table that `moec inspect --exchange` prints, to a word for each message.
  @Test(arguments: [2, 4, 8]) func exchangesAreThoseOfTheTable(_ ranks: Int) throws {
    let timeline = try timeline(ranks: ranks)
    let steps = Exchanges(try Self.plan.get(), ranks: ranks, batches: 1).steps
    let starts = timeline.events.filter { if case .start = $0 { true } else { false } }
    #expect(starts.count == steps.count)
    let words = steps.map { step in step.sent.reduce(0, +) / ranks }
    let mean = 4 * words.reduce(0, +)
    #expect(abs(timeline.sent - mean) <= 4 * ranks * steps.count)
  }

  @Test func everyExchangeIsWaitedForBeforeItsTicketIsUsedAgain() throws {
    var underWay: Set<Int> = []
    for event in try timeline(ranks: 4, batches: 3).events {
      switch event {
      case .compute: break
      case .start(let ticket, _, _, _): #expect(underWay.insert(ticket).inserted)
      case .wait(let ticket): #expect(underWay.remove(ticket) != nil)
      }
    }
    #expect(underWay.isEmpty)
  }

  @Test func ratesHaveUnits() {
    #expect(Network.bits("100Gbit") == 1e11)
    #expect(Network.bits("25gbps") == 2.5e10)
    #expect(Network.seconds("2ms") == 0.002)
    for text in ["", "Gbit", "10", "-1Gbit", "nanGbit", "1e400Gbit", "10us"] {
      #expect(Network.bits(text) == nil, "\(text)")
    }
  }

  private static let hasSimGrid = (try? SimGrid()) != nil

  /// A network without end leaves only what is computed; a slow one is waited for.
  @Test(.enabled(if: hasSimGrid, "SimGrid is not installed"))
  func aFastNetworkLosesNothingAndASlowOneMuch() throws {
    let plan = try Self.plan.get()
    let pace = Pace(plan, flops: 1e9, memory: 1e12)
    func result(_ bits: Double) throws -> Simulation.Result {
      try Simulation(
        plan, pace: pace, network: .cluster(bits: bits, latency: 1e-9), simulator: SimGrid()
      ).result(ranks: 4, batches: 2)
    }
    let (fast, slow) = (try result(1e15), try result(1e7))
    #expect(fast.efficiency > 0.9 && fast.efficiency < 1.1, "\(fast)")
    #expect(slow.efficiency < 0.5 && slow.waitingShare > 0.5, "\(slow)")
    #expect(fast.bytesSent == slow.bytesSent)
  }

  /// Nothing is simulated for that.
  @Test(arguments: [
    (["--ranks", "3", "--accumulate", "4"], "error: 3 ranks cannot share 4 batches equally\n"),
    (["--ranks", "2", "--platform", "nix.xml", "--gflops", "1"], "error: "),
  ])
  func whatCannotBeIsSaid(options: [String], message: String) throws {
    let library = try Moec.makemoe().library
    let result = try Command.moec(["simulate", library] + options)
    #expect(result.status == 1 && result.errors.hasPrefix(message), "\(result.errors)")
    #expect(result.errors.contains("\nhint: "))
  }

  @Test func wrongNumbersAreUsageErrors() throws {
    for options in [
      ["--ranks", "x"], ["--ranks", "96"], ["--ranks", "2", "--network", "fast"],
      ["--ranks", "2", "--gflops", "0"], [],
    ] {
      let result = try Command.moec(["simulate", "lib.so"] + options)
      #expect(result.status == 64, "\(result.errors)")
    }
  }
}
