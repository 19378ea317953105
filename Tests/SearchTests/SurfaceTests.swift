import Foundation
import ModelFixtures
import Testing

@testable import Search

/// Trials that were made once, and between them what lies between: makemoe at a fifth of its width, 300 steps,
/// on the reference corpus. `Scripts/measure-search record` makes the file.
struct Surface: TrialMaker {
  private struct Point: Decodable {
    var experts: Int
    var chosen: Int
    var rate: Double
    var curve: [[Double]]
  }

  private let points: [Point]

  init() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("surface.jsonl")
    points = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(Point.self, from: Data($0.utf8))
    }
  }

  func cost(of values: TrialValues) throws -> TrialCost {
    TrialCost(parameters: 1, activeParameters: 1, flopsPerToken: 1, flopsPerStep: 1, bytes: 1)
  }

  func make(_ trial: Trial, report: (Trial.Report) throws -> Bool) throws -> MadeTrial {
    for (step, loss) in curve(trial.values) {
      guard try report(.init(step: step, loss: loss)) else {
        return MadeTrial(isWhole: false, steps: step)
      }
    }
    return MadeTrial(isWhole: true, steps: 300)
  }

  /// Losses of the eight neighbours, each as near as it is.
  private func curve(_ values: TrialValues) -> [(step: Int, loss: Double)] {
    let experts = neighbours(points.map { Double($0.experts) }, values["experts"])
    let chosen = neighbours(points.map { Double($0.chosen) }, values["chosen"])
    let rates = neighbours(points.map(\.rate), values["rate"])
    var sum: [Double] = []
    var steps: [Int] = []
    for (e, first) in experts {
      for (c, second) in chosen {
        for (r, third) in rates {
          // What chooses more experts than there are was not made.
          let point = points.first {
            Double($0.experts) == e && Double($0.chosen) == min(c, e) && $0.rate == r
          }
          guard let point else { continue }
          steps = point.curve.map { Int($0[0]) }
          let losses = point.curve.map { $0[1] * first * second * third }
          sum = sum.isEmpty ? losses : zip(sum, losses).map { $0 + $1 }
        }
      }
    }
    return zip(steps, sum).map { ($0, $1) }
  }

  /// The values to both sides, and how near they are by magnitude.
  private func neighbours(
    _ all: [Double], _ value: TrialValue?
  ) -> [(value: Double, weight: Double)] {
    let values = Set(all).sorted()
    guard let number = value?.asNumber, let first = values.first, let last = values.last else {
      return []
    }
    let inside = min(max(number, first), last)
    let low = values.last { $0 <= inside } ?? first
    let high = values.first { $0 >= inside } ?? last
    guard low < high else { return [(low, 1)] }
    let share = log(inside / low) / log(high / low)
    return [(low, 1 - share), (high, share)]
  }
}

/// Samplers and pruners on the surface: a measurement, as much as a test.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["MOEC_MEASURE"] != nil && Python.path != nil,
    "a measurement that needs Optuna: MOEC_MEASURE=1"), .serialized)
struct SurfaceTests {
  private func study(_ seed: UInt64, _ sampler: String, prune: Bool = false) throws -> Study {
    var bench = try Bench(["experts=2..16", "chosen=1..4", "rate=3e-4..3e-2:log"])
    bench.plan.seed = seed
    bench.plan.steps = 300
    bench.options.budget = Budget(trials: 30)
    var options = Optuna.Options()
    (options.sampler, options.pruner) = (sampler == "tpe" ? "tpe" : nil, prune ? "median" : nil)
    (options.warmup, options.interval, options.steps) = (30, 30, 300)
    options.python = Python.path ?? ""
    let optuna = try Optuna(bench.space, objectives: 1, seed: seed, options)
    let random = RandomSampler(bench.space, seed: seed)
    return try bench.run(
      sampler == "tpe" ? optuna : random, pruner: prune ? optuna : nil, maker: Surface())
  }

  @Test func treesAreBetterThanChance() throws {
    var wins = 0
    for seed in 1...10 as ClosedRange<UInt64> {
      let best = try ["tpe", "random"].map { try study(seed, $0).best?.value ?? .infinity }
      print(String(format: "seed %d: tpe %.4f, random %.4f", seed, best[0], best[1]))
      wins += best[0] < best[1] ? 1 : 0
    }
    print("tpe is better in \(wins) of 10")
    #expect(wins >= 7)
  }

  @Test func pruningSavesSteps() throws {
    var shares: [Double] = []
    for seed in 1...10 as ClosedRange<UInt64> {
      let (whole, pruned) = try (study(seed, "tpe"), study(seed, "tpe", prune: true))
      let share = try #require(StudyTable(pruned, Bench().space).savedShare)
      let best = [whole, pruned].map { $0.best?.value ?? .infinity }
      print(
        String(format: "seed %d: %.0f %% saved, %.4f and %.4f", seed, 100 * share, best[0], best[1])
      )
      #expect(best[1] < best[0] + 0.02)
      shares.append(share)
    }
    print(String(format: "%.0f %% saved", 100 * shares.reduce(0, +) / 10))
    #expect(shares.reduce(0, +) / 10 >= 0.3)
  }
}
