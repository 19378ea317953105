/// The arena: its regions, one behind the other.
public struct Regions: Hashable, Sendable {
  /// By region: bytes from the start of the arena, and how many it has.
  private var starts: [Region: Int] = [:]
  private var sizes: [Region: Int] = [:]

  /// Bytes of all regions.
  public private(set) var total = 0

  /// Bytes to which every region's place and size is rounded: a cache line.
  public static let alignment = 64

  /// More bytes than this no region has: all sums of them can be counted.
  static let most = 1 << 48

  /// Regions of so many bytes at least; those that are not named have none.
  init(_ bytes: [Region: Int]) {
    for region in Region.allCases {
      starts[region] = total
      sizes[region] = roundUp(bytes[region] ?? 0, to: Self.alignment)
      total += sizes[region] ?? 0
    }
  }

  /// Bytes from the start of the arena to a region.
  public subscript(region: Region) -> Int { starts[region] ?? 0 }

  /// Bytes of a region.
  public func bytes(of region: Region) -> Int { sizes[region] ?? 0 }
}

/// Exact bytes of the arena by class.
public struct Memory: Hashable, Sendable {
  public var parameters: Int
  public var gradients: Int

  /// AdamW's two moments and step counts, and what the rules of states add up.
  public var optimizer: Int
  public var saved: Int
  public var scratch: Int

  public var total: Int { parameters + gradients + optimizer + saved + scratch }
}

extension Memory {
  init(_ regions: Regions) {
    self.init(parameters: 0, gradients: 0, optimizer: 0, saved: 0, scratch: 0)
    for region in Region.allCases {
      self[keyPath: Self.part(of: region)] += regions.bytes(of: region)
    }
  }

  /// The class to which a region belongs.
  private static func part(of region: Region) -> WritableKeyPath<Memory, Int> {
    switch region {
    case .values, .working: \.parameters
    case .gradients: \.gradients
    case .firstMoments, .secondMoments, .steps, .nextStates: \.optimizer
    case .saved: \.saved
    case .edgeGradients, .scratch, .tokens, .targets, .positions: \.scratch
    }
  }
}
