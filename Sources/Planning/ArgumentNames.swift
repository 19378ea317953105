import GraphIR
import Lowering

/// Names and order of what a layer's functions are given: results first, as in C.
///
/// The one tensor that comes in is `x`, the one that goes out `y`, their gradients `d_x` and `d_y`;
/// where there are several, each has the name under which it was computed.
struct ArgumentNames {
  private let uses: ValueUses
  private let names: ValueNames
  private let section: Int
  private var nameOf: [Value: String] = [:]
  private var taken: Set<String> = [
    "p", "s", "t", "g", "u", "pass", "stream", "q", "own", "own_s", "own_t",
  ]

  init(_ planner: LayerPlanner, _ forward: LayerPlanner.Function, _ backward: LayerPlanner.Function)
  {
    uses = planner.uses
    names = planner.names
    section = planner.index
    for parameter in planner.borrowed {
      taken.insert(planner.names.name(of: parameter, in: planner.section.scope))
    }
    let isWritten = forward.written.contains
    let inputs = forward.edges.filter { !isWritten($0) }
    let results = forward.edges.filter { isWritten($0) && uses.outputs[$0] == nil }
    name(inputs, alone: "x")
    name(results, alone: "y")
    for edge in forward.edges + backward.edges { nameOutput(edge) }
    nameGradients(backward, inputs, results)
    for edge in forward.edges + backward.edges where nameOf[edge] == nil { nameByOrigin(edge) }
  }

  private mutating func name(_ edges: [Value], alone: String) {
    if edges.count == 1 { assign(alone, to: edges[0]) } else { edges.forEach { nameByOrigin($0) } }
  }

  private mutating func nameOutput(_ edge: Value) {
    for output in uses.outputs[edge] ?? [] {
      switch output {
      case .logits: assign("logits", to: edge)
      case .loss: assign("loss", to: edge)
      case .objective: assign("objective", to: edge)
      case .term(let name, _): assign(ValueNames.field(name, in: scope), to: edge)
      case .state(let name): assign("next_" + ValueNames.field(name, in: scope), to: edge)
      case .gradient: break
      }
    }
  }

  private var scope: String { uses.partition.sections[section].scope }

  private mutating func nameGradients(
    _ backward: LayerPlanner.Function, _ inputs: [Value], _ results: [Value]
  ) {
    let gradients = backward.edges.filter { uses.phase(of: $0) == .backward }
    let given = gradients.filter { !backward.written.contains($0) }
    let handed = gradients.filter { backward.written.contains($0) }
    if let edge = gradient(of: results, among: given) { assign("d_y", to: edge) }
    if let edge = gradient(of: inputs, among: handed) { assign("d_x", to: edge) }
  }

  /// The gradient of the one tensor that comes in or goes out; beside it may be that of the loss, where a
  /// layer has terms of its own.
  private func gradient(of edges: [Value], among gradients: [Value]) -> Value? {
    guard edges.count == 1 else { return nil }
    let type = uses.program.type(of: edges[0])
    let alike = gradients.filter { uses.program.type(of: $0) == type }
    return alike.count == 1 ? alike[0] : nil
  }

  private mutating func nameByOrigin(_ edge: Value) {
    let home = uses.section(of: edge).map { uses.partition.sections[$0].scope } ?? ""
    // What comes from outside of all layers is called as what is made in one, or equal layers are unequal.
    let scope = home.isEmpty ? self.scope : home
    let candidates = names.candidates(for: edge, in: scope)
    // What makes a gradient is not the same for the last of equal layers, which others follow.
    let maker = "_from_" + names.maker(of: edge, in: scope)
    let plain = candidates.prefix(1).filter { $0.hasSuffix(maker) }.map {
      String($0.dropLast(maker.count))
    }
    assign(plain + candidates, to: edge)
  }

  private mutating func assign(_ name: String, to edge: Value) { assign([name], to: edge) }

  private mutating func assign(_ candidates: [String], to edge: Value) {
    if nameOf[edge] == nil { nameOf[edge] = candidates.firstNew(among: &taken) }
  }

  /// The edges of a function in the order of its arguments, and the arguments.
  func arguments(_ function: LayerPlanner.Function) -> ([Value], [Argument]) {
    let written = function.edges.filter(function.written.contains)
    let edges = written + function.edges.filter { !function.written.contains($0) }
    let arguments = edges.map { edge in
      Argument(
        name: nameOf[edge] ?? "value", type: uses.program.type(of: edge),
        isWritten: function.written.contains(edge),
        layout: uses.layout(ofGradient: edge) ?? .rowMajor)
    }
    return (edges, arguments)
  }
}
