import GraphIR
import Words

extension Plan {
  /// What the model is and costs, a table for a person.
  public var summary: String {
    let unit = flopUnit
    let rows =
      [
        [
          "layer", "uses", "parameters", "forward \(unit.name)", "backward \(unit.name)",
          "saved bytes",
        ]
      ]
      + layers.indices.map { row($0, in: unit.size) }
    let facts =
      [
        overview,
        "batch \(graph.batch) \(graph.batch.size), context \(graph.context) \(graph.context.size), vocabulary \(graph.vocabulary.size.grouped)",
      ] + additions + [""]
    let (forward, backward) = (graph.flops(.forward), graph.flops(.backward))
    let costs = [
      "", "FLOPs: forward \(forward.grouped), step \((forward + backward).grouped)",
      "memory: \(memory.total.grouped) bytes", "  \(lasting)", "  \(memory.passing)",
      generation.summary.replacing(", as ", with: ",\n  as ").replacing(
        " until", with: "\n  until"),
    ]
    return (facts + Columns.lines(rows) + costs).joined(separator: "\n")
  }

  /// The model's name and the number of its parameters.
  public var overview: String {
    let learned = learnedParameters
    let total = learned.reduce(0) { $0 + $1.type.count }
    return "\(graph.name): \(total.grouped) parameters, \(activeParameters.grouped) active per "
      + "token, in \(learned.count.of("tensor"))"
  }

  /// The settings, the terms of the objective and the states, a line each; nothing where there are none.
  private var additions: [String] {
    let states = parameters.filter { $0.update == .rule }
    let numbers = states.reduce(0) { $0 + $1.type.count }
    let terms = graph.terms.map { "\($0.weight) \($0.name)" }
    let settings = graph.settings
    return learning + (settings.isEmpty ? [] : ["settings: \(settings.inShort)"])
      + (terms.isEmpty ? [] : ["objective: loss + " + terms.joined(separator: " + ")])
      + (states.isEmpty
        ? []
        : ["states: \(states.map(\.name).joined(separator: ", ")) (\(numbers.of("number")))"])
  }

  /// How much learns, where some of it is frozen.
  private var learning: [String] {
    let frozen = learnedParameters.filter(\.isFrozen)
    if frozen.isEmpty { return [] }
    let learned = learnedParameters.filter(\.update.isLearned)
    let count = { (parameters: [PlannedParameter]) in parameters.reduce(0) { $0 + $1.type.count } }
    return [
      "learned: \(count(learned).grouped), in \(learned.count.of("tensor")); frozen: "
        + "\(count(frozen).grouped), in \(frozen.count.of("tensor"))"
    ] + adapters
  }

  private var adapters: [String] {
    let parts = graph.adapters.filter { $0.adapter.part == .a }
    guard let first = parts.first, let rank = first.parameter.axes.dropLast().last?.size else {
      return []
    }
    let alpha = first.adapter.scale * Double(rank)
    return ["adapters: rank \(rank), alpha \(alpha), beside \(parts.count.of("weight"))"]
  }

  /// What stays in memory; states are with the parameters there.
  private var lasting: String {
    let hasStates = parameters.contains { $0.update == .rule }
    return hasStates
      ? memory.lasting.replacing("parameters", with: "parameters and states") : memory.lasting
  }

  private func row(_ index: Int, in unit: Int) -> [String] {
    let layer = layers[index]
    let count = uses.filter { $0.layer == index }.count
    let parameters = layer.parameters.reduce(0) { $0 + ($1.update == .rule ? 0 : $1.type.count) }
    let saved = layer.saved.reduce(0) { $0 + $1.bytes }
    return [
      layer.name, "\(count)", parameters.grouped, Self.tenths(layer.flops(.forward), unit),
      Self.tenths(layer.flops(.backward), unit), saved.grouped,
    ]
  }

  /// That in which the largest layer has digits to show.
  private var flopUnit: (name: String, size: Int) {
    let most = layers.flatMap { [$0.flops(.forward), $0.flops(.backward)] }.max() ?? 0
    return most >= 1_000_000 ? ("MFLOP", 1_000_000) : ("kFLOP", 1_000)
  }

  private static func tenths(_ flops: Int, _ unit: Int) -> String {
    let tenths = (flops + unit / 20) / (unit / 10)
    return "\((tenths / 10).grouped).\(tenths % 10)"
  }
}

extension Memory {
  /// What stays for the model's whole life, in bytes.
  package var lasting: String {
    "parameters \(parameters.grouped), gradients \(gradients.grouped), optimizer "
      + optimizer.grouped
  }

  /// What is needed within a step, in bytes.
  package var passing: String { "saved \(saved.grouped), scratch \(scratch.grouped)" }
}
