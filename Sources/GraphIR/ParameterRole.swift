/// What a parameter is to the ops that read it.
///
/// One that several ops read is to be known by the first of these that any of them makes it.
public enum ParameterRole: String, Hashable, Sendable, CaseIterable {
  /// A table of which rows are looked up.
  case embedding

  /// The weight or the bias of a layer norm.
  case norm

  /// Anything that is multiplied: matrices, stacks of them, factors.
  case weight

  /// A vector, or one for each expert, that is added and nothing else.
  case bias
}

extension Graph {
  /// The role of every parameter by its node, from the forward ops that read it.
  ///
  /// Roles are those of the model's own ops: passes fuse and planning joins, which moves operands to
  /// other places, but a weight stays a weight. One that nothing reads is a weight.
  public var parameterRoles: [Int: ParameterRole] {
    var roles: [Int: Set<ParameterRole>] = [:]

    // Which parameters a value is made of, if nothing else is in it but noise.
    var made: [Value: Set<Int>] = [:]
    for (index, node) in nodes.enumerated() where node.phase == .forward {
      if case .parameter = node.op {
        roles[index] = []
        made[Value(node: index)] = [index]
      }
      let parts = node.operandsOfValues
      let isOfParameters = parts.allSatisfy { made[node.inputs[$0]] != nil }
      if case .pointwise = node.op, isOfParameters { made[Value(node: index)] = [] }
      for operand in parts {
        guard let parameters = made[node.inputs[operand]] else { continue }
        let type = type(of: node.inputs[operand])
        if let role = node.op.role(ofInput: operand, type, amongParameters: isOfParameters) {
          for parameter in parameters { roles[parameter, default: []].insert(role) }
        } else {
          made[Value(node: index), default: []].formUnion(parameters)
        }
      }
    }
    return roles.mapValues { found in
      ParameterRole.allCases.first(where: found.contains) ?? .weight
    }
  }
}

extension Node {
  /// The operands that give the result more than its shape.
  fileprivate var operandsOfValues: [Int] {
    guard case .pointwise(let op) = op else { return Array(inputs.indices) }
    return op.expression.inputs
  }
}

extension Op {
  /// What the op makes of a parameter that it reads as the operand of that number; nil if its result
  /// is that parameter still, scaled or summed up with others.
  fileprivate func role(
    ofInput operand: Int, _ type: TensorType, amongParameters: Bool
  ) -> ParameterRole? {
    switch self {
    case .embedding: return .embedding
    case .layerNorm: return operand == 0 ? nil : .norm
    case .linear(let op): return op.bias && operand == 2 ? .bias : .weight
    case .pointwise(let op):
      switch op.expression.share(of: operand) {
      case .none, .scaled: return nil
      case .added where amongParameters: return nil
      case .added: return type.axes.count < 2 ? .bias : .weight
      case .factor: return .weight
      }
    case .input, .parameter, .sum, .matmul, .transpose, .softmax, .splitHeads, .mergeHeads,
      .causalMask, .attention, .top, .route, .dispatch, .combine, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .attentionGradient, .topGradient, .dispatchGradient, .combineGradient,
      .crossEntropyGradient:
      return .weight
    }
  }
}

extension ScalarExpression {
  /// What part an input has in the expression.
  fileprivate enum Share: Int {
    /// It does not occur.
    case none

    /// a x + b with constants a and b.
    case scaled

    /// The same, added to something that has other inputs.
    case added

    /// Anything else.
    case factor
  }

  fileprivate func share(of input: Int) -> Share {
    switch self {
    case .input(let index): return index == input ? .scaled : .none
    case .constant, .normal, .keep: return .none
    case .unary(.negate, let a): return a.share(of: input)
    case .unary(_, let a): return a.share(of: input).asOperand
    case .binary(let function, let a, let b):
      let (left, right) = (a.share(of: input), b.share(of: input))
      switch function {
      case .add, .subtract:
        let largest = left.rawValue > right.rawValue ? left : right
        let isWithOthers = left == .none && !a.inputs.isEmpty || right == .none && !b.inputs.isEmpty
        return largest == .scaled && isWithOthers ? .added : largest
      case .multiply, .divide:
        if right == .none && b.inputs.isEmpty { return left }
        if left == .none && a.inputs.isEmpty && function == .multiply { return right }
        return left.rawValue > right.rawValue ? left.asOperand : right.asOperand
      }
    }
  }
}

extension ScalarExpression.Share {
  /// The part of an input of which the function is more than a multiple.
  fileprivate var asOperand: Self { self == .scaled ? .factor : self }
}
