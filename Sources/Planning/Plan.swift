import GraphIR
import Lowering

/// A model as a flat list of kernel calls on buffers with fixed places: what the generated C does.
///
/// Layers that are alike are planned once (outlining): eight identical blocks are one `Layer` with
/// eight uses, so that neither generated code nor compile time grows with depth.
public struct Plan: Hashable, Sendable {
  /// The graph that is planned, backward included.
  public var graph: Graph

  /// The axis of a pass's sequences, as it stands in the types of calls and buffers.
  public var sequences: Axis

  /// The axis of a pass's positions.
  public var positions: Axis

  /// All parameters, those of one layer use next to each other.
  public var parameters: [PlannedParameter]

  /// The distinct layers in order of first use.
  public var layers: [Layer]

  /// The layers in forward order; backward runs them in reverse.
  public var uses: [LayerUse]

  /// What passes between layers.
  public var edges: [Edge]

  public var regions: Regions

  /// Whether models that are told of no number of batches add up the gradients of several before an update.
  public var accumulates: Bool

  /// Whether backward runs the forward of repeated layers again, whose uses then share what it reads of them.
  public var recomputes = false

  /// Why the ops do not let passes of generation go on where others ended; nil if they do.
  let recomputation: Recomputation?

  /// Where equal layers are not one C function, and why.
  public var notes: [Diagnostic] = []

  public var memory: Memory { Memory(regions) }

  /// Bytes from the start of the arena to a storage of the model's own.
  public func place(of storage: Storage) -> Int { regions[storage.region] + storage.offset }
}

/// One use of a layer.
public struct LayerUse: Hashable, Sendable {
  public var layer: Int

  /// Which of the layer's uses this is.
  public var instance: Int

  /// The path in the model: `block.3`; empty for what lies outside of `layers`.
  public var scope: String

  /// The index of its first parameter in `Plan.parameters`.
  public var firstParameter: Int

  /// Indices in `Plan.parameters` of those that it borrows.
  public var borrowed: [Int]
  public var firstStream: Int

  /// For each argument of the layer, the edge that is given.
  public var forwardEdges: [Int]
  public var backwardEdges: [Int]

  /// For each call of the layer, the nodes of `Plan.graph` that it carries out in this use.
  ///
  /// A node that several calls take over, as `dispatch` is by the products that gather rows
  /// themselves, belongs to each of them.
  public var forwardNodes: [[Int]]
  public var backwardNodes: [[Int]]

  /// Bytes from the start of the saved region to this use's saved buffers.
  public var savedOffset: Int
}

/// A buffer between layers.
public struct Edge: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    case activation
    case gradient
  }

  public var name: String
  public var type: TensorType
  public var storage: Storage

  /// The outputs that it is, if the caller reads it.
  public var outputs: [Output] = []

  public var role: Role { storage.region == .saved ? .activation : .gradient }
  public var offset: Int { storage.offset }
  public var bytes: Int { storage.bytes }

  /// Where it lies, as the plan's text says it; gradients are those of parameters.
  var regionWord: String {
    role == .activation ? "saved" : storage.region == .gradients ? "gradients" : "scratch"
  }

  public init(name: String, type: TensorType, role: Role, outputs: [Output] = []) {
    self.name = name
    self.type = type
    self.outputs = outputs
    storage = Storage(type, in: role == .activation ? .saved : .edgeGradients)
  }
}
