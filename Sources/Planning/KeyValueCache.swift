import GraphIR
import Lowering

/// The buffers whose rows a pass of evaluation leaves for the next one.
///
/// Their rows stay where their positions are: a pass that goes on after n tokens writes from row n
/// on. All of them are there for training already, so that the cache takes no memory of its own.
public struct KeyValueCache: Hashable, Sendable {
  /// Of one layer, by their numbers in it.
  public struct Rows: Hashable, Sendable {
    /// Saved buffers that attention reads and writes; each use of the layer keeps its own.
    public var saved: Set<Int> = []

    /// Forward arguments, which are buffers of their own anyway: the logits, and what attention
    /// reads of other layers.
    public var arguments: Set<Int> = []

    public init() {}
  }

  /// For each layer of the plan.
  public private(set) var layers: [Rows]

  /// - Throws: the reason for which a pass cannot go on where another ended.
  init(_ plan: Plan) throws(Recomputation) {
    if let recomputation = plan.recomputation { throw recomputation }
    layers = []
    for layer in plan.layers { layers.append(try Self.rows(of: layer, plan.positions)) }
    keepEdges(of: plan)
  }

  /// What the attention of a layer reads and writes.
  private static func rows(of layer: Layer, _ positions: Axis) throws(Recomputation) -> Rows {
    var rows = Rows()
    for call in layer.forward {
      guard case .attention = call.op, let output = call.kernel.result(.output),
        output.type.axes.contains(positions)
      else { continue }
      let read = (Role.projected + [.projections]).compactMap { call[$0] }
      for operand in read + [output] {
        switch operand.place {
        case .saved(let index): rows.saved.insert(index)
        case .argument(let index): rows.arguments.insert(index)
        case .source, .parameter, .gradient, .borrowed, .scratch:
          throw Recomputation(
            "attention in \(layer.name) reads what is not kept", at: call.location)
        }
      }
    }
    return rows
  }

  /// An argument of which one use keeps the rows is a kept one for all uses, and so are the
  /// arguments of other layers through which these buffers go.
  private mutating func keepEdges(of plan: Plan) {
    // A head that makes logits of some positions puts them at the beginning.
    let logits = plan.edges.indices.filter { plan.edges[$0].outputs.contains(.logits) }
    var kept = Set(plan.head == nil ? logits : [])
    var isComplete = false
    while !isComplete {
      let before = (kept, layers)
      for use in plan.uses {
        for (argument, edge) in use.forwardEdges.enumerated() {
          if kept.contains(edge) { layers[use.layer].arguments.insert(argument) }
          if layers[use.layer].arguments.contains(argument) { kept.insert(edge) }
        }
      }
      isComplete = before == (kept, layers)
    }
  }
}
