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
  ///   are pairs of token and chosen expert.
  /// - Attention over T tokens is the causal half only, also where it is written in steps. What a
  ///   kernel computes again is not counted.
  /// - Other ops count the operations of their formulas.
  public var costs: [Cost] {
    let isMasked = nodes.contains { if case .causalMask = $0.op { true } else { false } }
    return nodes.map { node in
      let inputs = node.inputs.map(type(of:))
      var cost = node.op.operation.cost(inputs, node.types)
      if case .matmul = node.op, isMasked,
        (inputs + node.types).contains(where: isSquareOfPositions)
      {
        cost = .product(cost.flops / context.size * (context.size + 1) / 2)
      }
      return cost
    }
  }

  /// A matrix of scores by steps of attention, of which the mask leaves half.
  private func isSquareOfPositions(_ type: TensorType) -> Bool {
    type.axes.suffix(2) == [context, context]
  }

  /// What all nodes of a phase cost together.
  public func cost(_ phase: Phase) -> Cost {
    zip(nodes, costs).reduce(.none) { $1.0.phase == phase ? $0 + $1.1 : $0 }
  }

  /// Floating-point operations of all nodes of a phase.
  public func flops(_ phase: Phase) -> Int { cost(phase).flops }
}
