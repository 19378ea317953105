import GraphIR
import JSON
import Planning

/// The library's description of itself, as JSON: what the runner knows of a model.
struct ManifestText {
  let context: Context
  private var plan: Plan { context.plan }
  private var graph: Graph { plan.graph }

  init(_ context: Context) { self.context = context }

  /// The JSON, one parameter a line.
  var json: String {
    let lines = [
      line(["abi": .count(1), "name": .text(graph.name)]), line(["axes": axes]),
      list("parameters", plan.parameters.map(parameter)), line(["defaults": defaults]),
      line([
        "vocabulary": .count(graph.vocabulary.size), "context": .count(graph.context.size),
        "batch": .count(graph.batch.size),
      ]),
      line(["memory": memory]), line(["flops": flops]),
      line(["active_parameters": .count(plan.activeParameters)]),
      line(["accumulates": .bool(plan.accumulates)]),
      plan.expertRanks == 1 ? nil : line(["expert_ranks": .count(plan.expertRanks)]),
      plan.infers ? line(["inference": .bool(true)]) : nil,
      graph.takesDocuments ? line(["documents": .bool(true)]) : nil,
      plan.routers.isEmpty ? nil : list("routers", plan.routers.map(router)),
      graph.settings.isEmpty ? nil : list("settings", graph.settings.map(setting)),
      graph.terms.isEmpty ? nil : list("terms", graph.terms.map { term($0.name, $0.weight) }),
      line(["compiler": .text(context.options.compilerLine)]),
      line(["source": .text(context.options.sourceName)]),
      graph.vocabularyLocation.map {
        line(["vocabulary_line": .text("\($0.file):\($0.line)")])
      },
    ]
    return "{" + lines.compactMap(\.self).joined(separator: ",\n") + "}"
  }

  /// The file that `manifest.c` carries.
  var file: GeneratedFile { GeneratedFile(path: "manifest.json", text: json + "\n") }

  /// Members of the whole, on one line.
  private func line(_ members: KeyValuePairs<String, JSON?>) -> String {
    String(JSON.members(members).line.dropFirst().dropLast())
  }

  /// A member of the whole that has a line for each element.
  private func list(_ name: String, _ elements: [JSON]) -> String {
    JSON.quoted(name) + ":[\n" + elements.map(\.line).joined(separator: ",\n") + "\n]"
  }

  private var axes: JSON {
    .object(
      graph.symbols.map { JSON.Member(key: Array($0.name.utf8), value: .count($0.size)) })
  }

  private func parameter(_ parameter: PlannedParameter) -> JSON {
    .members([
      "name": .text(parameter.name), "shape": .array(parameter.type.shape.map(JSON.count)),
      "axes": .array(parameter.type.axes.map { .text($0.description) }),
      "init": .text("\(parameter.initializer)"), "decay": .bool(parameter.decays),
      "steps": .count(parameter.stepCount), "role": .text(parameter.role.rawValue),
      "update": parameter.update == .rule ? .text("state") : nil,
      "gradient": parameter.update == .none ? .bool(false) : nil,
      "frozen": parameter.isFrozen ? .bool(true) : nil,
      "adapts": parameter.adapter.map { .text($0.weight) },
      "part": parameter.adapter.map { .text($0.part.rawValue) },
      "scale": parameter.adapter.map { .numeral("\($0.scale)") },
    ])
  }

  private var defaults: JSON {
    let optimizer = graph.optimizer
    return .members([
      "learning_rate": .numeral("\(optimizer.learningRate)"),
      "beta1": .numeral("\(optimizer.beta1)"), "beta2": .numeral("\(optimizer.beta2)"),
      "epsilon": .numeral("\(optimizer.epsilon)"),
      "weight_decay": .numeral("\(optimizer.weightDecay)"),
    ])
  }

  private var memory: JSON {
    let memory = plan.memory
    return .members([
      "parameters": .count(memory.parameters), "gradients": .count(memory.gradients),
      "optimizer": .count(memory.optimizer), "saved": .count(memory.saved),
      "scratch": .count(memory.scratch), "total": .count(memory.total),
      "sum": .count(plan.regions.bytes(of: .gradients) + plan.regions.bytes(of: .nextStates)),
      "rank_parameters": rank { memory.parameters - $0.bytesOfOthers },
      "rank_moments": rank { Exchanges($0, ranks: $0.expertRanks, batches: 1).bytesOfMoments },
      "rank_rows": rank { $0.mostRowsReceived },
    ])
  }

  /// What is said of one of the ranks that share out the experts: what it keeps, the rows that come at most.
  private func rank(_ number: (Plan) -> Int) -> JSON? {
    plan.expertRanks == 1 ? nil : .count(number(plan))
  }

  private var flops: JSON {
    let forward = graph.flops(.forward)
    return .members([
      "forward": .count(forward), "step": .count(forward + graph.flops(.backward)),
    ])
  }

  /// What a setting is in this library, and what it is otherwise.
  private func setting(_ setting: ModelSetting) -> JSON {
    func json(_ value: ModelSetting.Value) -> JSON {
      switch value {
      case .whole, .number: .numeral("\(value)")
      case .word(let word): .text(word)
      }
    }
    return .members([
      "name": .text(setting.name), "value": json(setting.value), "usual": json(setting.usual),
    ])
  }

  /// A term of the objective.
  private func term(_ name: String, _ weight: Double) -> JSON {
    .members(["name": .text(name), "weight": .numeral("\(weight)")])
  }

  /// What a layer that routes is: path, experts, choices of a token, capacity factor if there is one.
  private func router(_ name: String, _ router: Router) -> JSON {
    .members([
      "name": .text(name), "experts": .count(router.experts.size),
      "choices": .count(router.choices.size),
      "capacity": router.capacity.map { .numeral("\($0)") },
    ])
  }
}
