import GraphIR
import Planning

extension Context {
  /// What the runtime's files have in this model.
  var runtime: RuntimeText {
    let (layouts, routers, terms) = (layouts, plan.routers.map(\.router), terms)
    let loss = place { $0 == .loss }.map { $0 + "[0]" }
    let objective = place { $0 == .objective }.map { $0 + "[0]" }
    let logits = place { $0 == .logits }
    let (drawnAs, checks) = (drawnAs, layerChecks)
    let holds: [(RuntimeText.Condition, Bool)] = [
      (.hasRouters, hasRouters), (.hasLoss, loss != nil), (.hasLogits, logits != nil),
      (.hasObjective, objective != nil), (.hasTerms, !terms.isEmpty),
      (.hasStates, !states.isEmpty),
      (.hasLayerResults, !checks.isEmpty), (.keepsRows, keepsRows),
      (.updatesInBackward, layouts.contains(where: \.hasUpdates)), (.reorders, !drawnAs.isEmpty),
    ]
    return RuntimeText(
      conditions: Set(holds.filter(\.1).map(\.0)),
      words: [
        .loss: [loss ?? ""], .objective: [objective ?? ""], .logits: [logits ?? ""],
        .restOfPass: [restOfPass], .terms: terms,
        .states: [states.map { String($0) }.joined(separator: ", ")], .stateMoves: stateMoves,
        .routerRows: RoutesFile.rows(plan.routers.map { ($0.name, $0.router) }),
        .drawnAs: drawnAs, .layerChecks: checks,
        .routerCount: ["\(routers.count)"],
        .expertCount: ["\(routers.reduce(0) { $0 + $1.experts.size })"],
        .choiceCount: ["\(routers.reduce(0) { $0 + $1.choices.size })"],
      ])
  }

  var hasRouters: Bool { !plan.routers.isEmpty }
  var keepsRows: Bool { generation.cache != nil }

  /// Where in the model's struct the layer that writes an output has it.
  func place(of isWanted: (Output) -> Bool) -> String? {
    for use in plan.uses {
      let layer = plan.layers[use.layer]
      for (argument, edge) in zip(layer.forwardArguments, use.forwardEdges)
      where argument.isWritten && plan.edges[edge].outputs.contains(where: isWanted) {
        return "\(layer.name)[\(use.instance)].\(CNames.identifier(argument.name))"
      }
    }
    return nil
  }

  /// Copies the terms out, in the graph's order.
  private var terms: [String] {
    plan.graph.terms.enumerated().map { index, term in
      let place = place { $0 == .term(name: term.name, weight: term.weight) } ?? ""
      return "out[\(index)] = last->\(place)[0];"
    }
  }

  /// The parameters that rules update, by their numbers.
  private var states: [Int] { plan.parameters.indices.filter { plan.parameters[$0].isState } }

  /// Copies what each state's rule made to the state's place in another region.
  private var stateMoves: [String] {
    states.map { index in
      let parameter = plan.parameters[index]
      let place = place { $0 == .state(parameter.name) } ?? ""
      return
        "memcpy(to + \(parameter.offset), m->\(place), sizeof(float) * \(parameter.type.count));"
    }
  }

  /// Whether it replays, where its sequences begin, and how many tokens are computed already.
  private var restOfPass: String {
    (hasRouters ? "m->replay_tokens > 0, " : "") + "0" + (keepsRows ? ", 0" : "")
  }

  /// Which one of the model's parameters each is; nothing where they lie as the model makes them.
  private var drawnAs: [String] {
    let numbers = plan.parameters.map { String($0.number) }
    if plan.parameters.enumerated().allSatisfy({ $0.offset == $0.element.number }) { return [] }
    return stride(from: 0, to: numbers.count, by: 10).map { first in
      numbers[first..<min(first + 10, numbers.count)].joined(separator: ", ") + ","
    }
  }

  /// Looks for numbers that are not finite in what layers hand on.
  private var layerChecks: [String] {
    plan.uses.flatMap { use -> [String] in
      let layer = plan.layers[use.layer]
      let name = CNames.literal(use.scope.isEmpty ? layer.name : use.scope)
      return layer.forwardArguments.filter { $0.isWritten && $0.type.element == .f32 }.map {
        let place = "last->\(layer.name)[\(use.instance)].\(CNames.identifier($0.name))"
        return "if (!all_finite(\(place), (size_t)\($0.type.count))) { return \(name); }"
      }
    }
  }
}
