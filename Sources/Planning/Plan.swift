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

  /// Whether gradients of several batches can be added up before an update.
  public var accumulates: Bool

  /// Why the ops do not let passes of generation go on where others ended; nil if they do.
  let recomputation: Recomputation?

  /// Where equal layers are not one C function, and why.
  public var notes: [Diagnostic] = []

  public var memory: Memory { Memory(regions) }

  /// Bytes from the start of the arena to a storage of the model's own.
  public func place(of storage: Storage) -> Int { regions[storage.region] + storage.offset }
}

<<<<<<< HEAD
/// A buffer of a layer and its place: from the start of its use's saved buffers, or of scratch.
public struct Buffer: Hashable, Sendable {
  public var name: String
  public var type: TensorType
  public var storage: Storage

  public var layout: Layout { storage.layout }
  public var offset: Int { storage.offset }
  public var bytes: Int { storage.bytes }

  public init(name: String, type: TensorType, layout: Layout = .rowMajor, in region: Region) {
    self.name = name
    self.type = type
    storage = Storage(type, layout, in: region)
  }
}

/// Where an operand of a call lives.
public enum Place: Hashable, Sendable {
  /// The caller's tokens, targets, or the positions 0 ..< T.
  case source(Input.Kind)
  /// A parameter of the layer, or its gradient.
  case parameter(Int)
  case gradient(Int)
  /// A parameter that another layer owns.
  case borrowed(Int)
  /// Kept from forward to backward.
  case saved(Int)
  /// Overwritten within the same function.
  case scratch(Int)
  /// What a layer's forward or backward function is given and hands on.
  case argument(Int)
}

/// A value as a call reads or writes it.
public struct Operand: Hashable, Sendable {
  public var place: Place
  public var name: String
  public var type: TensorType
  public var layout: Layout

  /// Bytes of all elements, padding included.
  public var bytes: Int { layout.bytes(of: type) }

  /// What a parameter's gradient is called among operands.
  static func gradientName(of parameter: LayerParameter) -> String { "d_\(parameter.field)" }
}

/// One kernel call.
public struct Call: Hashable, Sendable {
  /// What is done, and with what, by role.
  public var kernel: KernelCall<Operand>

  /// The layer's parameters that the optimizer may update block by block while their gradients, which
  /// this call makes, are in cache: nothing later reads the parameters or adds to the gradients.
  public var updates: Range<Int>?

  /// The scope below the layer's own.
  public var scope: String
  public var location: SourceLocation?

  /// Where the further parts of a joined call come from, in their order.
  package var joined: [Origin] = []

  /// What it costs at the full batch: the graph's nodes that it carries out, each counted once in all
  /// calls.
  public var cost = Cost.none
}

extension Call {
  public var action: Action { kernel.action }
  public var op: Op? { kernel.op }
  public subscript(role: Role) -> Operand? { kernel[role] }

  /// What the call reads, and what it makes.
  public var inputs: [Operand] { kernel.operands.map(\.content) }
  public var results: [Operand] { kernel.results.map(\.content) }
  public var operands: [Operand] { inputs + results }
}

/// A value that passes between layers, or from a layer to the caller.
public struct Argument: Hashable, Sendable {
  public var name: String
  public var type: TensorType
  public var isWritten: Bool
}

/// A parameter as its layer sees it.
public struct LayerParameter: Hashable, Sendable {
  /// The name below the layer's scope, with underscores: `mixture_up_weight`.
  public var field: String
  public var type: TensorType
  public var layout: Layout
  public var update: Update
  public var role: ParameterRole

  /// For weights stacked by expert: where the experts' first rows are. An expert without rows is left
  /// alone by the optimizer.
  public var start: Start?

  /// Where the first rows are when backward has run: of a routing of this layer in a saved buffer, of
  /// another layer's in an argument of forward.
  public enum Start: Hashable, Sendable {
    case saved(Int)
    case argument(Int)
  }
}

/// One distinct layer: its forward and backward calls and their buffers.
public struct Layer: Hashable, Sendable {
  public var name: String
  public var location: SourceLocation?
  public var parameters: [LayerParameter]
  public var borrowed: [LayerParameter]
  public var forwardArguments: [Argument]
  public var backwardArguments: [Argument]
  public var saved: [Buffer]
  public var forwardScratch: [Buffer]
  public var backwardScratch: [Buffer]
  public var forward: [Call]
  public var backward: [Call]

  /// How threads make the calls of each function.
  public var forwardRuns: [CallRun]
  public var backwardRuns: [CallRun]

  /// How many random streams one use consumes.
  public var streamCount: Int

  /// A function's calls.
  public func calls(_ phase: Phase) -> [Call] { phase == .forward ? forward : backward }

  /// A function's calls as runs: those that threads make in the same way.
  public func runs(_ phase: Phase) -> [CallRun] {
    phase == .forward ? forwardRuns : backwardRuns
  }
}

=======
>>>>>>> bytes
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

  public init(name: String, type: TensorType, role: Role, outputs: [Output] = []) {
    self.name = name
    self.type = type
    self.outputs = outputs
    storage = Storage(type, in: role == .activation ? .saved : .edgeGradients)
  }
}
