import GraphIR

extension Interpreter {
  /// `Input`: the caller's tokens and targets, or 0 ..< length.
  func input(_ op: Input, _ site: Site) throws(Diagnostic) -> TensorValue {
    switch op.kind {
    case .tokens: try given(tokens, "tokens", site)
    case .targets: try given(targets, "targets", site)
    case .beginnings: try beginnings(site)
    case .positions: TensorValue([length], integers: (0..<length).map { Int32($0) })
    }
  }

  /// Without documents each sequence is one.
  private func beginnings(_ site: Site) throws(Diagnostic) -> TensorValue {
    if beginnings.isEmpty {
      return TensorValue(
        [sequences, length], integers: [Int32](repeating: 0, count: sequences * length))
    }
    return try given(beginnings, "beginnings", site)
  }

  private func given(
    _ ids: [Int32], _ what: String, _ site: Site
  ) throws(Diagnostic) -> TensorValue {
    guard ids.count == sequences * length else {
      throw site.error(
        "expected \(sequences) sequences of \(length) \(what), got \(ids.count) numbers")
    }
    return TensorValue([sequences, length], integers: ids)
  }

  /// `Parameter`: its elements, in the shape that it has for any batch.
  func parameter(_ op: Parameter, _ site: Site) throws(Diagnostic) -> TensorValue {
    let type = site.node.types[0]
    let values = parameters[op.name] ?? []
    guard values.count == type.count else {
      throw site.error(
        "\(op.name): expected \(type.count) elements for \(type), got \(values.count)")
    }
    return TensorValue(type.shape, values)
  }

  /// The parameters' first values, drawn by their initializers.
  ///
  /// Parameter number p (`Graph.parameterNumbers`) has stream p, as in the generated C; element i of
  /// the row-major tensor is draw i.
  ///
  /// - Parameter given: values of parameters that need not be drawn.
  public static func initialParameters(
    of graph: Graph, seed: UInt64, given: [String: [Double]] = [:]
  ) -> [String: [Double]] {
    var values = given
    let numbers = graph.parameterNumbers
    for entry in graph.parameters where given[entry.parameter.name] == nil {
      let key = CounterRandom.key(seed: seed, stream: UInt64(numbers[entry.node] ?? 0))
      values[entry.parameter.name] = draw(
        entry.parameter.initializer.distribution, key, graph.nodes[entry.node].types[0].count)
    }
    return values
  }

  /// Every parameter's and state's first values, but for those that are constant throughout, which are moved by
  /// chance: zeros and ones hide mistakes.
  public static func variedParameters(of graph: Graph, seed: UInt64) -> [String: [Double]] {
    var values = initialParameters(of: graph, seed: seed)
    let numbers = graph.parameterNumbers
    for (node, parameter) in graph.parameters {
      guard let constant = values[parameter.name], Set(constant).count == 1 else { continue }
      // Each by its own draws: of two norms that are alike nobody sees that they were mixed up.
      let key = CounterRandom.key(seed: seed, stream: 1 << 42 + UInt64(numbers[node] ?? 0))
      values[parameter.name] = constant.indices.map {
        constant[$0] + 0.3 * CounterRandom.normal(key, UInt32(truncatingIfNeeded: $0))
      }
    }
    return values
  }

  private static func draw(
    _ distribution: Initializer.Distribution, _ key: UInt64, _ count: Int
  ) -> [Double] {
    let elements = 0..<UInt32(truncatingIfNeeded: count)
    switch distribution {
    case .constant(let value): return elements.map { _ in value }
    case .normal(let deviation):
      return elements.map { deviation * CounterRandom.normal(key, $0) }
    case .uniform(let bound):
      return elements.map { bound * (2 * CounterRandom.uniform(key, $0) - 1) }
    }
  }
}
