import GraphIR
import Planning

extension Context {
  /// What the runtime's files have in this model.
  var runtime: RuntimeText {
    let (routers, drawnAs) = (plan.routers.map(\.router), drawnAs)
    let holds: [(RuntimeText.Condition, Bool)] = [
      (.hasRouters, hasRouters), (.keepsRows, keepsRows),
      (.updatesInBackward, layouts.contains(where: \.hasUpdates)), (.reorders, !drawnAs.isEmpty),
      (.hasObjective, plan.graph[.objective] != nil), (.hasTerms, !plan.graph.terms.isEmpty),
      (.hasStates, hasStates),
    ]
    return RuntimeText(
      conditions: Set(holds.filter(\.1).map(\.0)),
      words: [
        .drawnAs: drawnAs, .routerCount: ["\(routers.count)"],
        .expertCount: ["\(routers.reduce(0) { $0 + $1.experts.size })"],
        .choiceCount: ["\(routers.reduce(0) { $0 + $1.choices.size })"],
      ])
  }

  var hasRouters: Bool { !plan.routers.isEmpty }
  var keepsRows: Bool { generation.cache != nil }

  /// Whether rules update any parameter.
  var hasStates: Bool { plan.parameters.contains { $0.update == .rule } }

  /// Which one of the model's parameters each is; nothing where they lie as the model makes them.
  private var drawnAs: [String] {
    let numbers = plan.parameters.map { String($0.number) }
    if plan.parameters.enumerated().allSatisfy({ $0.offset == $0.element.number }) { return [] }
    return stride(from: 0, to: numbers.count, by: 10).map { first in
      numbers[first..<min(first + 10, numbers.count)].joined(separator: ", ") + ","
    }
  }
}
