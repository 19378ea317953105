import GraphIR

/// Numbers in the arena: what they are, how they lie, and where.
public struct Storage: Hashable, Sendable {
  public var element: Element

  /// How many elements there are, without padding.
  public var count: Int
  public var layout: Layout
  public var region: Region

  /// Bytes from the start of the region.
  public var offset = 0

  /// A storage at the start of a region.
  public init(_ element: Element, count: Int, _ layout: Layout = .rowMajor, in region: Region) {
    (self.element, self.count) = (element, count)
    (self.layout, self.region) = (layout, region)
  }

  /// A storage for a tensor, at the start of a region.
  public init(_ type: TensorType, _ layout: Layout = .rowMajor, in region: Region) {
    self.init(type.element, count: type.count, layout, in: region)
  }

  /// Bytes of the elements alone, and with padding.
  public var contentBytes: Int { count * element.bytes }
  public var storedBytes: Int { layout.storedCount(count) * element.bytes }

  /// Bytes taken: those that are stored, rounded up to the region's alignment.
  public var bytes: Int { roundUp(storedBytes, to: region.alignment(of: element)) }
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
      stack * inputs * roundUp(outputs, to: Self.panelWidth)
    }
  }

  /// Bytes that a tensor takes, padding included.
  public func bytes(of type: TensorType) -> Int { storedCount(type.count) * type.element.bytes }
}

/// A part of the arena, in the order in which they lie there.
public enum Region: String, Hashable, Sendable, CaseIterable {
  /// The parameters, as the optimizer and rules change them.
  case values

  /// Parameters as products read them, where that is another form than the optimizer's.
  case working = "working values"

  /// What training keeps beside parameters that have a gradient.
  case gradients
  case firstMoments = "first moments"
  case secondMoments = "second moments"
  case steps

  /// The sums of what the rules of states made since the last update.
  case nextStates = "next states"

  /// Activations between layers, then each use's saved buffers.
  case saved
  case edgeGradients = "gradients between layers"

  /// What functions overwrite; every function begins at its start.
  case scratch
  case tokens
  case targets
  case positions

  /// Bytes to which places and sizes are rounded: a cache line; step counts follow each other.
  func alignment(of element: Element) -> Int {
    self == .steps ? element.bytes : Regions.alignment
  }
}

/// The next multiple of an alignment.
func roundUp(_ size: Int, to alignment: Int) -> Int {
  (size + alignment - 1) / alignment * alignment
}
