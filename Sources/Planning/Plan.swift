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

  public var memory: Memory
  public var regions: Regions

  /// Whether gradients of several batches can be added up before an update.
  public var accumulates: Bool

  /// Why the ops do not let passes of generation go on where others ended; nil if they do.
  let recomputation: Recomputation?

  /// Where equal layers are not one C function, and why.
  public var notes: [Diagnostic] = []

  /// Bytes to which every buffer's place and size is rounded: a cache line.
  public static let alignment = 64
}

/// How a tensor's elements lie in memory.
public enum Layout: Hashable, Sendable {
  case rowMajor

  /// A stack of weight matrices [outputs, inputs], each as panels of 16 outputs:
  /// element (o, i) at (o / 16) · inputs · 16 + i · 16 + o % 16, padding outputs 0.
  case panels(stack: Int, outputs: Int, inputs: Int)

  /// Outputs in a panel: the floats of a cache line, one AVX-512 vector, two AVX2 vectors.
  public static let panelWidth = 16

  /// Elements that a tensor of `count` elements takes, padding included.
  public func storedCount(_ count: Int) -> Int {
    switch self {
    case .rowMajor: count
    case .panels(let stack, let outputs, let inputs):
      stack * inputs * ((outputs + Self.panelWidth - 1) / Self.panelWidth * Self.panelWidth)
    }
  }
}

/// A parameter's place and what the optimizer must know of it.
public struct PlannedParameter: Hashable, Sendable {
  public var name: String

  /// Its place among the model's parameters in order of creation, which is the random stream of its
  /// first values, wherever layers and passes let it lie.
  public var number: Int
  public var type: TensorType
  public var initializer: Initializer
  public var decays: Bool

  /// Whether a rule updates it after a step, not the optimizer.
  public var isState: Bool
  public var layout: Layout

  /// Floats from the start of the parameter region; gradients and moments have the same offsets.
  public var offset: Int

  /// Whether backward computes a gradient; without one the optimizer leaves the parameter alone.
  public var hasGradient: Bool

  /// Whether a training step updates it in backward, as soon as its gradient is there.
  public var isUpdatedInBackward: Bool

  /// What the parameter is to the layers that read it.
  public var role: ParameterRole

  /// AdamW step counts: one for each expert of stacked weights, else one.
  public var stepCount: Int

  /// The place of the first step count among all.
  public var stepOffset: Int
}

/// A buffer of a layer and its place.
public struct Buffer: Hashable, Sendable {
  public var name: String
  public var type: TensorType
  public var layout: Layout = .rowMajor

  /// Bytes from the start of the buffer's region.
  public var offset = 0

  /// Bytes taken, rounded up to `Plan.alignment`.
  public var bytes: Int { roundUp(layout.storedCount(type.count) * type.element.bytes) }

  public init(name: String, type: TensorType, layout: Layout = .rowMajor) {
    self.name = name
    self.type = type
    self.layout = layout
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
  public var hasGradient: Bool
  public var role: ParameterRole

  /// Whether a rule updates it after a step, not the optimizer.
  public var isState = false

  /// For weights stacked by expert: where the experts' first rows are. An expert without rows is left
  /// alone by the optimizer.
  public var start: Start?

  /// Where the first rows are when backward has run: of a routing of this layer in a saved buffer, of
  /// another layer's in an argument of forward.
  public enum Start: Hashable, Sendable {
    case saved(Int)
    case argument(Int)
  }

  /// Whether a training step updates it in backward, as soon as its gradient is there.
  public var isUpdatedInBackward = false
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
  public var role: Role

  /// Bytes from the start of the region: saved for activations, scratch for gradients.
  public var offset: Int
  public var layout: Layout = .rowMajor

  /// The outputs that it is, if the caller reads it.
  public var outputs: [Output] = []
  public var bytes: Int { roundUp(layout.storedCount(type.count) * type.element.bytes) }
}

/// Exact bytes of the arena by class.
public struct Memory: Hashable, Sendable {
  public var parameters: Int
  public var gradients: Int

  /// AdamW's two moments and step counts.
  public var optimizer: Int
  public var saved: Int
  public var scratch: Int

  public var total: Int { parameters + gradients + optimizer + saved + scratch }
}

/// Where the arena's regions begin, in bytes from its start.
public struct Regions: Hashable, Sendable {
  public var values = 0
  public var gradients: Int
  public var firstMoments: Int
  public var secondMoments: Int
  public var steps: Int

  /// Activations between layers, then each use's saved buffers.
  public var saved: Int

  /// Gradients between layers.
  public var edgeGradients: Int

  /// What functions overwrite; every function begins at its start.
  public var scratch: Int
  public var tokens: Int
  public var targets: Int
  public var positions: Int

  /// A second copy of the gradients, if the plan accumulates.
  public var sums: Int
  public var total: Int
}

/// The next multiple of `Plan.alignment`.
func roundUp(_ bytes: Int) -> Int {
  (bytes + Plan.alignment - 1) / Plan.alignment * Plan.alignment
}
