import GraphIR

extension Layer {
  /// Finds the stacked weights that a training step can update in backward: all that is left to do with
  /// their gradient is AdamW, which then need not fetch it from memory again.
  ///
  /// Weights that are not stacked by expert are few beside those that are, and stay with the sweep over
  /// all parameters at the end.
  mutating func updateInBackward(where isReadHereOnly: (Int) -> Bool) {
    for index in backward.indices {
      guard let parameter = finalGradient(madeBy: index), isReadHereOnly(parameter) else {
        continue
      }
      backward[index].updates = parameter
      parameters[parameter].isUpdatedInBackward = true
    }
  }

  /// The stacked weight whose whole gradient a call of backward makes after the last use of the weight.
  private func finalGradient(madeBy index: Int) -> Int? {
    let call = backward[index]
    guard case .op(.linearWeightGradient) = call.action, !call.isJoined,
      case .gradient(let parameter) = call.results[0]?.place, parameters[parameter].start != nil,
      parameters[parameter].layout != .rowMajor
    else { return nil }
    let isReadLater = backward[(index + 1)...].contains { later in
      later.inputs.contains {
        $0.place == .parameter(parameter) || $0.place == .gradient(parameter)
      }
    }
    let writers = backward.filter { $0.results.contains { $0?.place == .gradient(parameter) } }
    return isReadLater || writers.count > 1 ? nil : parameter
  }
}
