import GraphIR
import Passes
import Words

extension RandomModel {
  /// The graph, of some seeds with parameters that are frozen, of some with adapters.
  ///
  /// - Throws: as `graph()`.
  public func changed() throws -> Graph {
    let traced = try graph()
    var dice = Dice(seed: seed ^ 0xf0_5e11)
    guard dice.happens(40) else { return traced }
    let changed = dice.happens(50) ? Self.frozen(traced, &dice) : Self.adapted(traced, &dice)
    // Where nothing of it learned any more, there would be nothing to compare.
    guard let changed, (try? Pass.differentiate.run(changed)) != nil else { return traced }
    return changed
  }

  /// Each parameter frozen by chance, or all those of a scope.
  private static func frozen(_ graph: Graph, _ dice: inout Dice) -> Graph? {
    let names = graph.parameters.filter { !$0.parameter.isState }.map(\.parameter.name)
    let share = dice.pick([20, 50, 80])
    let ofScope = dice.happens(30) ? [scope(of: dice.pick(names))] : []
    let chosen = names.filter { _ in dice.happens(share) } + ofScope
    return graph.frozen(chosen.map(ParameterPattern.init)).graph
  }

  private static func scope(of name: String) -> String {
    String(name.prefix { $0 != "." })
  }

  private static func adapted(_ graph: Graph, _ dice: inout Dice) -> Graph? {
    let names = graph.parameters.filter { !$0.parameter.isState }.map(\.parameter.name)
    let targets: [AdapterTarget] =
      switch dice.int(0...2) {
      case 0: [.all]
      case 1: AdapterTarget.usual
      default: [.named(ParameterPattern(dice.pick(["*", scope(of: dice.pick(names))])))]
      }
    let learned = dice.happens(30) ? [ParameterPattern(dice.pick(names))] : []
    let request = AdapterRequest(
      rank: dice.int(1...5), alpha: dice.pick([nil, 1, 3]), targets: targets, learned: learned)
    return try? Pass.addAdapters(request).run(graph)
  }
}
