import GraphIR

/// How a dense MLP is divided among a mixture's experts.
///
/// Its width F is cut into `slices` of the experts' width. `shared` of them are an expert that sees all tokens;
/// the other experts are copies of the rest, one slice after the other, then the next copy's: all of them where
/// the shared one has all too. Slices of one copy have one router row, so that they are chosen together.
struct Division {
  var slices = 1
  var shared = 0
  /// What the last matrices and biases of experts and of the shared one are multiplied by.
  var scale = 1.0
  var biasScale = 1.0
  var sharedScale = 1.0

  /// Slices of a copy that are chosen together.
  var together: Int { shared < slices ? slices - shared : slices }

  /// The slice that an expert has.
  func slice(_ expert: Int) -> Int {
    (shared < slices ? shared : 0) + expert % together
  }

  /// Divides a mixture; what does not come out even is added to `problems`.
  init(
    _ mixture: Mixture, _ index: Int, _ matching: Matching, _ forward: ForwardGraph,
    dense: [String: [Int]], _ problems: inout [String]
  ) {
    var parts = Parts()
    for (node, parameter) in forward.graph.parameters {
      switch matching.makings[parameter.name] {
      case .experts(let name, index): parts.addExperts(parameter, name, dense, &problems)
      case .shared(let name, index): parts.addShared(node, parameter, name, dense)
      case .copy, .experts, .shared, .router, .zeros, nil: break
      }
    }
    slices = parts.counts.first ?? 1
    if parts.counts.count > 1 {
      problems.append("\(mixture.scope): its experts' matrices are cut into different parts")
      return
    }
    guard setShared(mixture, parts, &problems) else { return }
    checkNumbers(mixture, &problems)
    setScales(mixture, forward, parts.shared, matching, &problems)
  }

  /// How a mixture's matrices are cut out of the dense ones.
  private struct Parts {
    /// Into how many parts; one number if all agree.
    var counts: Set<Int> = []
    /// By dense tensor the width of an expert, and of that of all tokens where it is narrower than the MLP.
    var widths: [String: Int] = [:]
    var sharedWidths: [String: Int] = [:]
    /// The nodes of what the expert of all tokens has.
    var shared: [(node: Int, source: String)] = []

    mutating func addExperts(
      _ parameter: Parameter, _ name: String, _ dense: [String: [Int]],
      _ problems: inout [String]
    ) {
      let part = Array(parameter.shape.dropFirst())
      guard let whole = dense[name], let cut = Cut(part, outOf: whole), let axis = cut.axis else {
        return
      }
      if whole[axis] % part[axis] != 0 {
        problems.append(
          "\(parameter.name): a width of \(whole[axis]) is no whole number of \(part[axis])")
      }
      counts.insert(cut.count)
      widths[name] = part[axis]
    }

    mutating func addShared(
      _ node: Int, _ parameter: Parameter, _ name: String, _ dense: [String: [Int]]
    ) {
      shared.append((node, name))
      guard let whole = dense[name], let axis = Cut(parameter.shape, outOf: whole)?.axis else {
        return
      }
      sharedWidths[name] = parameter.shape[axis]
    }
  }

  private mutating func setShared(
    _ mixture: Mixture, _ parts: Parts, _ problems: inout [String]
  ) -> Bool {
    if !parts.shared.isEmpty { shared = slices }
    for (name, width) in parts.sharedWidths {
      let slice = parts.widths[name] ?? width
      guard slices > 1, width % slice == 0 else {
        problems.append(
          "\(mixture.scope): an expert of all tokens that is \(width) wide is no whole number of "
            + "experts of the others' width")
        return false
      }
      shared = width / slice
    }
    return true
  }

  private func checkNumbers(_ mixture: Mixture, _ problems: inout [String]) {
    let count = together
    if mixture.experts % count != 0 {
      problems.append(
        "\(mixture.scope): its \(mixture.experts) experts are no whole copies of \(count) slices")
    } else if mixture.chosen % count != 0 {
      problems.append(
        "\(mixture.scope): it chooses \(mixture.chosen) of its \(mixture.experts) experts, and \(count) make "
          + "a copy of the dense MLP: choose a multiple of \(count)")
    }
  }

  /// Makes the sum the dense MLP where the router prefers no expert: with a weight w of each of k choices,
  /// experts times (slices of a copy) / (w k), where an expert of all tokens has none of their slices.
  private mutating func setScales(
    _ mixture: Mixture, _ forward: ForwardGraph, _ sharedWeights: [(node: Int, source: String)],
    _ matching: Matching, _ problems: inout [String]
  ) {
    guard let weight = mixture.weight, weight.isFinite, weight > 0 else {
      problems.append("\(mixture.scope): what its router's weights sum to is not known")
      return
    }
    let sum = weight * Double(mixture.chosen)
    (scale, biasScale) = (Double(together) / sum, 1 / sum)
    if !sharedWeights.isEmpty {
      guard let factor = sharedFactor(mixture, forward, sharedWeights, matching) else {
        problems.append(
          "\(mixture.scope): how much its expert of all tokens counts is not known")
        return
      }
      if shared < slices {
        (sharedScale, biasScale) = (1 / factor, 0)
      } else {
        sharedScale = 1 / (1 + factor)
        scale *= sharedScale
        biasScale *= sharedScale
      }
    }
    let isScaled = scale != 1 || biasScale != 1
    if isScaled, mixture.lastWeight == nil {
      problems.append(
        "\(mixture.scope): its experts do not end in a linear layer that \(scale) could be put into"
      )
    }
  }

  /// What the expert of all tokens is multiplied by before it is added.
  private func sharedFactor(
    _ mixture: Mixture, _ forward: ForwardGraph, _ sharedWeights: [(node: Int, source: String)],
    _ matching: Matching
  ) -> Double? {
    guard let last = mixture.lastWeight, case .experts(let source, _) = matching.makings[last],
      let weight = sharedWeights.first(where: { $0.source == source }),
      let linear = forward.indices(ofUsersOf: Value(node: weight.node)).first
    else { return nil }
    return forward.factor(after: Value(node: linear)).flatMap { $0 > 0 ? $0 : nil }
  }
}
