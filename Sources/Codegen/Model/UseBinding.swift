import GraphIR
import Planning

/// The lines of `model_bind` that point the uses of one layer at their places.
struct UseBinding {
  let layout: LayerUseLayout
  private let plan: Plan

  /// Where each use has its first parameter, random stream and router.
  let first: UseNumbers
  private let stream: UseNumbers
  private let router: UseNumbers?

  /// In bytes: where its saved buffers are, if it has any but the first one's; what connects it to its neighbours.
  private let saved: UseNumbers?
  private let connections: [UseNumbers]

  /// Which parameters it borrows.
  private let borrowed: [UseNumbers]

  init(_ layout: LayerUseLayout, of plan: Plan, at index: Int) {
    func numbers(_ name: String, _ values: [Int]) -> UseNumbers {
      UseNumbers(values, table: "\(layout.layer.name)_places_\(name)")
    }
    (self.layout, self.plan) = (layout, plan)
    let uses = layout.uses
    first = numbers("first", uses.map(\.firstParameter))
    stream = numbers("stream", uses.map(\.firstStream))
    router = layout.hasRouters ? numbers("router", plan.firstRouters(ofLayer: index)) : nil
    var places = uses.map { plan.regions[.saved] + $0.savedOffset }
    // Nobody asks for the first one's place where only the others have one of their own.
    if layout.sharesSaved { places[0] = places[1] - (uses.count > 2 ? places[2] - places[1] : 0) }
    let asksForSaved = layout.hasSaved && !(layout.sharesSaved && layout.own.isEmpty)
    saved = asksForSaved ? numbers("saved", places) : nil
    connections = layout.connections.map { connection in
      let places = connection.edges.map { plan.place(of: plan.edges[$0].storage) }
      return numbers(CNames.field(connection.name), places)
    }
    borrowed = layout.layer.borrowed.indices.map { index in
      let parameters = uses.map { $0.borrowed[index] }
      return numbers(CNames.field(layout.layer.borrowed[index].field), parameters)
    }
  }

  /// Those of the numbers that no formula gives; nothing asks a layer without parameters for its first.
  var tables: [String] {
    let own = (layout.hasParameters ? [first] : []) + [stream]
    return (own + [router, saved].compactMap(\.self) + connections + borrowed).compactMap(\.table)
  }

  private var name: String { layout.layer.name }

  var lines: [String] {
    let use =
      ["\(name)_use *u = &m->layers->\(name)[l];"] + parameters + savedLines + edges + [
        "u->stream = (int)(\(stream.expression));"
      ]
      + (router.map { ["u->router = (int)(\($0.expression));"] } ?? []) + starts
    return ["for (size_t l = 0; l < \(layout.uses.count); l++) {"] + use.map { "    " + $0 } + ["}"]
      + (layout.hasScratch ? ["\(name)_bind_scratch(&m->layers->\(name)_t, scratch);"] : [])
  }

  private var parameters: [String] {
    guard layout.hasParameters else { return [] }
    return [
      "const size_t first = \(first.expression);",
      "\(name)_bind_params(&u->p, &u->g, m->parameter + first);",
    ]
  }

  private var savedLines: [String] {
    let own = saved?.expression
    guard layout.sharesSaved else {
      return own.map { ["\(name)_bind_saved(&u->s, \(savedBase) + \($0));"] } ?? []
    }
    let first = plan.regions[.saved] + layout.uses[0].savedOffset
    return ["\(name)_bind_saved(&u->s, saved + \(first));"]
      + (own.map { ["if (l) { \(name)_bind_own(&u->s, arena + \($0)); }"] } ?? [])
  }

  /// Lanes have the first use's, which serve all.
  private var savedBase: String { layout.uses.count > 1 ? "(l ? arena : saved)" : "saved" }

  private var edges: [String] {
    let edges = zip(layout.connections, connections).map { connection, place in
      let isActivation = plan.edges[connection.edges[0]].role == .activation
      let base = isActivation ? "saved" : "arena"
      let type = CNames.element(connection.type)
      return
        "u->\(CNames.identifier(connection.name)) = (\(type) *)(\(base) + \(place.expression));"
    }
    return edges
      + zip(layout.layer.borrowed, borrowed).map {
        let index = $1.expression
        let own = plan.sharesExperts && $0.start != nil ? " + m->parameter[\(index)].own" : ""
        return "u->\(CNames.identifier($0.field)) = m->parameter[\(index)].value\(own);"
      }
  }

  private var starts: [String] {
    layout.layer.parameters.enumerated().filter(\.element.update.isLearned).compactMap {
      index, parameter in
      layout.place(ofStart: parameter).map { "m->start[first + \(index)] = u->\($0);" }
    }
  }
}
