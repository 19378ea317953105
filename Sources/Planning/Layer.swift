import GraphIR
import Lowering

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

/// A value that passes between layers, or from a layer to the caller.
public struct Argument: Hashable, Sendable {
  public var name: String
  public var type: TensorType
  public var isWritten: Bool
  public var layout = Layout.rowMajor
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
