/// What one execution of an operation costs.
public struct Cost: Hashable, Sendable {
  /// Floating-point operations; a multiply-add counts as 2.
  public var flops: Int

  /// Those of `flops` that are products of matrices, attention's included.
  public var productFlops: Int

  public init(flops: Int, productFlops: Int = 0) {
    self.flops = flops
    self.productFlops = productFlops
  }

  public static let none = Cost(flops: 0)

  /// A product of matrices.
  static func product(_ flops: Int) -> Cost { Cost(flops: flops, productFlops: flops) }

  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(flops: a.flops + b.flops, productFlops: a.productFlops + b.productFlops)
  }

  public static func - (a: Cost, b: Cost) -> Cost {
    Cost(flops: a.flops - b.flops, productFlops: a.productFlops - b.productFlops)
  }

  public static func += (a: inout Cost, b: Cost) { a = a + b }
}

extension Graph {
  /// What every node costs at the full batch. All counts of a model's operations are sums of these:
  /// of a phase, a layer, a call of generated C.
  ///
  /// - A product [M, K] x [K, N] is 2 M N K operations. Experts have as many rows together as there
  ///   are pairs of token and chosen expert; those of a rank, so many on the average of all ranks.
  /// - Attention over T tokens is the causal half only, also where it is written in steps. What a
  ///   kernel computes again is not counted.
  /// - Other ops count the operations of their formulas.
  public var costs: [Cost] {
    let isMasked = nodes.contains { if case .causalMask = $0.op { true } else { false } }
    let sent = ownRows
    return nodes.enumerated().map { index, node in
      let inputs = node.inputs.map { type(of: $0).counting(sent[$0]) }
      let results = zip(node.types, results(of: index)).map { $0.counting(sent[$1]) }
      var cost = node.op.operation.cost(inputs, results)
      if case .matmul = node.op, isMasked,
        (inputs + node.types).contains(where: isSquareOfPositions)
      {
        cost = .product(cost.flops / context.size * (context.size + 1) / 2)
      }
      return cost
    }
  }

  /// Of rows that came from all ranks, the axis of as many as each has itself.
  private var ownRows: [Value: Axis] {
    var own: [Value: Axis] = [:]
    for (index, node) in nodes.enumerated() {
      if case .exchangeRows(let op) = node.op {
        if !op.isBack { own[Value(node: index)] = type(of: node.inputs[0]).axes[0] }
      } else if let axis = node.inputs.lazy.compactMap({ own[$0] }).first {
        for value in results(of: index) where type(of: value).experts != nil { own[value] = axis }
      }
    }
    return own
  }

  /// A matrix of scores by steps of attention, of which the mask leaves half.
  private func isSquareOfPositions(_ type: TensorType) -> Bool {
    type.axes.suffix(2) == [context, context]
  }

  /// What all nodes of a phase of training cost together.
  public func cost(_ phase: Phase) -> Cost { cost(phase, without: nodesForLogitsAlone) }

  /// The same with what a pass with targets leaves out.
  public func costOfAll(_ phase: Phase) -> Cost { cost(phase, without: []) }

  private func cost(_ phase: Phase, without others: [Int]) -> Cost {
    zip(nodes.indices, costs).reduce(.none) {
      nodes[$1.0].phase == phase && !others.contains($1.0) ? $0 + $1.1 : $0
    }
  }

  /// The node that a pass with targets leaves out, where the loss makes logits for itself.
  private var nodesForLogitsAlone: [Int] {
    guard nodes.contains(where: { $0.op.kind == .linearCrossEntropy }) else { return [] }
    return outputs.filter { $0.output == .logits }.map(\.value.node)
  }

  /// Floating-point operations of all nodes of a phase.
  public func flops(_ phase: Phase) -> Int { cost(phase).flops }
}

extension TensorType {
  /// The type with other rows, if there are any.
  fileprivate func counting(_ rows: Axis?) -> TensorType {
    guard let rows else { return self }
    return TensorType(element, [rows] + axes.dropFirst(), by: experts)
  }
}
