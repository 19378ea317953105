import GraphIR
import Page
import Planning
import Words

extension ModelPage {
  /// What the whole model is and costs: a list of terms and numbers.
  var totals: String {
    let items = numbers.map { term, value, note in
      HTML.element(
        "div", ["class": "total"],
        HTML.element("dt", HTML.escaped(term))
          + HTML.element("dd", HTML.escaped(value))
          + HTML.element("dd", ["class": "note"], HTML.escaped(note)))
    }
    return items.isEmpty ? "" : HTML.element("dl", ["class": "totals"], items.joined())
  }

  private var numbers: [(String, String, String)] {
    guard let plan = model.plan else { return [] }
    let count = plan.learnedParameters.reduce(0) { $0 + $1.type.count }
    let active = plan.activeParameters
    let forward = plan.graph.flops(.forward)
    let backward = plan.graph.flops(.backward)
    let memory = plan.memory
    let state = memory.parameters + memory.gradients + memory.optimizer
    return [
      (
        "parameters", count.grouped,
        "in \(plan.learnedParameters.count) tensors" + Self.frozen(plan)
      ),
      (
        "active for a token", active.grouped,
        "\(count > 0 ? (1000 * active / count + 5) / 10 : 0)% of all"
      ),
      (
        "a step", "\(Self.scaled(forward + backward)) FLOP",
        "forward \(Self.scaled(forward)), backward \(Self.scaled(backward))"
      ),
      (
        "one arena", "\(Self.scaled(memory.total))B",
        "parameters, gradients and optimizer \(Self.scaled(state))B, "
          + "saved \(Self.scaled(memory.saved))B, scratch \(Self.scaled(memory.scratch))B"
      ),
    ] + measured(plan)
  }

  private static func frozen(_ plan: Plan) -> String {
    let count = plan.parameters.reduce(0) { $0 + ($1.isFrozen ? $1.type.count : 0) }
    return count == 0 ? "" : ", \(count.grouped) frozen"
  }

  private func measured(_ plan: Plan) -> [(String, String, String)] {
    guard let bench = facts.bench, let step = bench.step, step > 0 else { return [] }
    let tokens = Double(plan.graph.batch.size * plan.graph.context.size) / step * 1e3
    let threads = bench.threads == 1 ? "1 thread" : "\(bench.threads) threads"
    let limit = bench.timesLimit.map { ", \(Self.decimal($0)) × the machine's limit" } ?? ""
    return [
      (
        "measured step", "\(Self.decimal(step)) ms",
        "\(Int(tokens).grouped) tokens/s, \(threads)\(limit)"
      )
    ]
  }

  /// `8.47 G`: three digits and a decimal prefix.
  static func scaled(_ number: Int) -> String {
    let prefixes = ["", "k", "M", "G", "T", "P"]
    var value = Double(number)
    var index = 0
    while value >= 999.5 && index + 1 < prefixes.count {
      value /= 1000
      index += 1
    }
    return index == 0 ? "\(number) " : "\(decimal(value)) \(prefixes[index])"
  }

  /// Three digits: `8.47`, `84.7`, `847`.
  static func decimal(_ value: Double) -> String {
    let places = value < 10 ? 2 : value < 100 ? 1 : 0
    let factor = [1.0, 10, 100][places]
    let rounded = Int((value * factor).rounded())
    if places == 0 { return "\(rounded)" }
    let fraction = String(rounded % Int(factor) + Int(factor)).dropFirst()
    return "\(rounded / Int(factor)).\(fraction)"
  }
}
