import Benchmark
import Driver
import Foundation
import Planning
import Simulation
import Toolchain
import Words

extension SimulateCommand {
  func simulate() throws {
    let plan = try CarriedPlan(library: library).plan
    let counts = self.counts.compactMap(\.self)
    try checkShares(plan, counts)
    let simulator = try SimGrid()
    let simulation = Simulation(
      plan, pace: try pace(plan), network: try wire(), simulator: simulator)
    var results: [Simulation.Result] = []
    for count in counts {
      results.append(
        try simulation.result(ranks: count, batches: (accumulate ?? count) / count))
      if counts.count > 1 { printToStandardError("\(count.of("rank")): done") }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return try printNow(String(decoding: try encoder.encode(results), as: UTF8.self) + "\n")
    }
    try printTable(table(plan, results))
  }

  /// Errors: ranks that do not share the batches, or the experts, equally.
  private func checkShares(_ plan: Plan, _ counts: [Int]) throws {
    for count in counts {
      if let accumulate, accumulate % count != 0 {
        throw CompilationError(
          message: "\(count.of("rank")) cannot share \(accumulate.grouped) batches equally",
          hint: "choose --ranks that divide --accumulate")
      }
      guard count % plan.expertRanks != 0 else { continue }
      throw CompilationError(
        message: "\(plan.expertRanks) ranks share out the experts of \(library), and "
          + "\(count.of("rank")) cannot be divided by that",
        hint: "choose --ranks that are multiples of \(plan.expertRanks)")
    }
  }

  private func wire() throws -> Network {
    if let platform {
      guard access(platform, R_OK) == 0 else {
        throw CompilationError(
          message: "cannot read \(platform)", hint: "--platform takes a platform of SimGrid's")
      }
      return .file(platform)
    }
    return .cluster(
      bits: Network.bits(network) ?? 1e11, latency: Network.seconds(latency) ?? 2e-6)
  }

  /// What a rank computes in a second, as it was said or as it is measured.
  private func pace(_ plan: Plan) throws -> Pace {
    if let gflops { return Pace(plan, flops: gflops * 1e9, memory: memory * 1e9) }
    guard !plan.sharesExperts else {
      throw CompilationError(
        message:
          "one process cannot measure a library whose experts \(plan.expertRanks) ranks share",
        hint: "give --gflops, as 'moec bench' finds it for the model without --expert-ranks")
    }
    var options = Benchmark.Options()
    options.steps = 5
    options.threads = threads
    printToStandardError("measuring a batch on this machine")
    return Pace(plan, try Benchmark.measure(library: library, options: options).report)
  }

  private func table(_ plan: Plan, _ results: [Simulation.Result]) -> String {
    let head = ["ranks", "batches", "update", "waiting", "sent by each", "efficiency"]
    let rows = results.map { result in
      [
        "\(result.ranks)", result.batches.grouped, String(format: "%.4g s", result.seconds),
        String(format: "%.1f %%", 100 * result.waitingShare),
        String(format: "%.4g MB", Double(result.bytesSent) / 1e6),
        String(format: "%.1f %%", 100 * result.efficiency),
      ]
    }
    let wire = platform ?? "\(network) and \(latency) between any two machines"
    return "\(plan.graph.name), \(wire)\n\n" + Columns.text([head] + rows) + "\n"
  }
}
