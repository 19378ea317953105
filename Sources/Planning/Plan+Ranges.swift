import GraphIR

extension Plan {
  /// Learned parameters of a use that lie side by side: what several ranks exchange at once.
  public struct Range: Hashable, Sendable {
    /// `block.3`, or the layer's name.
    public var name: String

    /// Numbers, with the padding between parameters and without that behind the last.
    public var count: Int
  }

  /// All of them, in the order in which they lie.
  public var ranges: [Range] {
    uses.indices.flatMap { index in
      let use = uses[index]
      let next = index + 1 < uses.count ? uses[index + 1].firstParameter : parameters.count
      let name = use.scope.isEmpty ? layers[use.layer].name : use.scope
      return parameters[use.firstParameter..<next].split { $0.gradient == nil }.map { run in
        let gradients = run.compactMap(\.gradient)
        let padded = gradients.reduce(0) { $0 + $1.bytes / $1.element.bytes }
        let last = gradients.last.map { ($0.bytes - $0.storedBytes) / $0.element.bytes } ?? 0
        return Range(name: name, count: padded - last)
      }
    }
  }

  /// Numbers of the largest, with all padding.
  public var largestRange: Int {
    let lanes = Regions.alignment / Element.f32.bytes
    return ranges.map { roundUp($0.count, to: lanes) }.max() ?? 0
  }
}
