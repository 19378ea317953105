import GraphIR
import Lowering

extension Layer {
  /// Lets calls update weights where the program says so, and where the weights' layout and their
  /// readers in other layers allow it.
  ///
  /// - Parameter calls: of backward, those that may.
  mutating func updateInBackward(_ calls: [Int], where isReadHereOnly: (Int) -> Bool) {
    for index in calls {
      guard let weights = finalGradients(madeBy: index), weights.allSatisfy(isReadHereOnly) else {
        continue
      }
      backward[index].updates = weights
      for weight in weights { parameters[weight].update = .adamWInBackward }
    }
  }

  /// The weights that calls of backward update, by call: several that lie one after the other are one
  /// group.
  public var updateGroups: [Range<Int>] { backward.compactMap(\.updates) }

  /// The weights whose whole gradients a call of backward makes after the last use of the weights.
  private func finalGradients(madeBy index: Int) -> Range<Int>? {
    let call = backward[index]
    let gradients = call.kernel.results(.weights)
    guard case .gradient(let first) = gradients.first?.place else { return nil }
    let weights = first..<first + gradients.count
    let isWhole = zip(weights, gradients).allSatisfy { weight, gradient in
      gradient.place == .gradient(weight) && isFinal(weight, after: index)
    }
    return isWhole && (weights.count == 1 || keepsBlocksApart(first)) ? weights : nil
  }

  private func isFinal(_ weight: Int, after index: Int) -> Bool {
    let isReadLater = backward[(index + 1)...].contains { later in
      later.inputs.contains { [.parameter(weight), .gradient(weight)].contains($0.place) }
    }
    let writers = backward.filter { $0.results.contains { $0.place == .gradient(weight) } }
    return parameters[weight].layout != .rowMajor && !isReadLater && writers.count == 1
  }

  /// Whether no block of outputs, two panels at most, has outputs of two weights that lie one after the
  /// other: each may have a decay of its own.
  private func keepsBlocksApart(_ weight: Int) -> Bool {
    let axes = parameters[weight].type.axes
    return axes[axes.count - 2].size % (2 * Layout.panelWidth) == 0
  }
}
