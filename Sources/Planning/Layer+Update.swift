import GraphIR

extension Layer {
  /// Finds the weights that a training step can update in backward: all that is left to do with their
  /// gradient is AdamW, which then need not fetch it from memory again.
  mutating func updateInBackward(where isReadHereOnly: (Int) -> Bool) {
    for index in backward.indices {
      guard let weights = finalGradients(madeBy: index), weights.allSatisfy(isReadHereOnly) else {
        continue
      }
      backward[index].updates = weights
      for weight in weights { parameters[weight].isUpdatedInBackward = true }
    }
  }

  /// The weights that calls of backward update, by call: several that lie one after the other are one
  /// group.
  public var updateGroups: [Range<Int>] { backward.compactMap(\.updates) }

  /// The weights whose whole gradients a call of backward makes after the last use of the weights.
  private func finalGradients(madeBy index: Int) -> Range<Int>? {
    let call = backward[index]
    guard case .op(.linearWeightGradient) = call.action,
      case .gradient(let first) = call.results[0]?.place
    else { return nil }
    let weights = first..<first + (call.isJoined ? call.results.count : 1)
    let isWhole = weights.enumerated().allSatisfy { offset, weight in
      call.results[offset]?.place == .gradient(weight) && isFinal(weight, after: index)
    }
    return isWhole && (weights.count == 1 || keepsBlocksApart(first)) ? weights : nil
  }

  private func isFinal(_ weight: Int, after index: Int) -> Bool {
    let isReadLater = backward[(index + 1)...].contains { later in
      later.inputs.contains { [.parameter(weight), .gradient(weight)].contains($0.place) }
    }
    let writers = backward.filter { $0.results.contains { $0?.place == .gradient(weight) } }
    return parameters[weight].layout != .rowMajor && !isReadLater && writers.count == 1
  }

  /// Whether no block of outputs, two panels at most, has outputs of two weights that lie one after the
  /// other: each may have a decay of its own.
  private func keepsBlocksApart(_ weight: Int) -> Bool {
    let axes = parameters[weight].type.axes
    return axes[axes.count - 2].size % (2 * Layout.panelWidth) == 0
  }
}
