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

/// What an op makes of a parameter that it reads.
public enum ParameterUse: Hashable, Sendable {
  case role(ParameterRole)

  /// Its result is that parameter still, scaled.
  case kept

  /// It adds it to others: a bias, if it is a vector and they are no parameters too.
  case added
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
        if let role = node.op.role(ofOperand: operand, type, amongParameters: isOfParameters) {
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
  /// The role that the op gives to a parameter; nil if its result is that parameter still, scaled or
  /// summed up with others.
  fileprivate func role(
    ofOperand operand: Int, _ type: TensorType, amongParameters: Bool
  ) -> ParameterRole? {
    switch forward?.use(ofParameter: operand) ?? .role(.weight) {
    case .role(let role): role
    case .kept: nil
    case .added where amongParameters: nil
    case .added: type.axes.count < 2 ? .bias : .weight
    }
  }
}
