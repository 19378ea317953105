import GraphIR
import Planning

extension Context {
  /// What the runtime's files have in this model.
  var runtime: RuntimeText {
    let routers = plan.routers.map(\.router)
    let holds: [(RuntimeText.Condition, Bool)] = [
      (.hasRouters, hasRouters), (.keepsRows, keepsRows),
      (.updatesInBackward, layouts.contains(where: \.hasUpdates)), (.reorders, reorders),
      (.hasObjective, plan.graph[.objective] != nil), (.hasTerms, !plan.graph.terms.isEmpty),
      (.hasStates, hasStates), (.hasSignSteps, hasSignSteps), (.infers, plan.infers),
      (.hasHead, plan.head != nil), (.sharesExperts, plan.sharesExperts),
      (.takesDocuments, plan.graph.takesDocuments),
    ]
    return RuntimeText(
      conditions: Set(holds.filter(\.1).map(\.0)),
      words: [
        .routerCount: ["\(routers.count)"],
        .expertCount: ["\(routers.reduce(0) { $0 + $1.experts.size })"],
        .choiceCount: ["\(routers.reduce(0) { $0 + $1.choices.size })"],
        .headRows: ["\(Plan.headRows)"], .expertRankCount: ["\(plan.expertRanks)"],
      ])
  }

  var hasRouters: Bool { !plan.routers.isEmpty }
  var keepsRows: Bool { generation.cache != nil }

  /// Whether rules update any parameter.
  var hasStates: Bool { plan.parameters.contains { $0.update == .rule } }

  /// Whether any of those rules gives directions.
  var hasSignSteps: Bool { plan.parameters.contains { $0.signStep != nil } }

  /// Whether parameters whose first values are drawn do not lie as the model makes them.
  var reorders: Bool {
    plan.parameters.enumerated().contains { $1.isDrawn && $0 != $1.number }
  }
}
