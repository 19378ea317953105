import GraphIR
import Planning

extension Context {
  /// What the runtime's files have in this model.
  var runtime: RuntimeText {
    let (layouts, routers) = (layouts, plan.routers.map(\.router))
    let loss = place(of: "loss", layouts).map { $0 + "[0]" }
    let logits = place(of: "logits", layouts)
    let (drawnAs, checks) = (drawnAs, layerChecks)
    let holds: [(RuntimeText.Condition, Bool)] = [
      (.hasRouters, hasRouters), (.hasLoss, loss != nil), (.hasLogits, logits != nil),
      (.hasLayerResults, !checks.isEmpty), (.keepsRows, keepsRows),
      (.updatesInBackward, layouts.contains(where: \.hasUpdates)), (.reorders, !drawnAs.isEmpty),
    ]
    return RuntimeText(
      conditions: Set(holds.filter(\.1).map(\.0)),
      words: [
        .loss: [loss ?? ""], .logits: [logits ?? ""], .restOfPass: [restOfPass],
        .routerRows: RoutesFile.rows(plan.routers.map { ($0.name, $0.router) }),
        .drawnAs: drawnAs, .layerChecks: checks,
        .routerCount: ["\(routers.count)"],
        .expertCount: ["\(routers.reduce(0) { $0 + $1.experts.size })"],
        .choiceCount: ["\(routers.reduce(0) { $0 + $1.choices.size })"],
      ])
  }

  var hasRouters: Bool { !plan.routers.isEmpty }
  var keepsRows: Bool { generation.cache != nil }

  /// Where in the model's struct the layer that writes an argument has it.
  private func place(of argument: String, _ layouts: [LayerUseLayout]) -> String? {
    layouts.first {
      $0.layer.forwardArguments.contains { $0.name == argument && $0.isWritten }
    }.map { "\($0.layer.name)[0].\(argument)" }
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
