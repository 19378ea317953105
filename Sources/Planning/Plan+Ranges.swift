import GraphIR

extension Plan {
  /// Numbers of a use's learned parameters that lie side by side, padding included, at most: what several ranks
  /// exchange at once.
  public var largestRange: Int {
    var most = 0
    for (index, use) in uses.enumerated() {
      let next = index + 1 < uses.count ? uses[index + 1].firstParameter : parameters.count
      var count = 0
      for parameter in parameters[use.firstParameter..<next] {
        count = parameter.gradient.map { count + $0.bytes / $0.element.bytes } ?? 0
        most = max(most, count)
      }
    }
    return most
  }
}
