import CompiledModels
import GraphIR
import MoE
import Passes
import Testing

@testable import Planning

/// What parameters are, by which `--no-decay` chooses them: whatever fusing and joining do to the ops
/// that read them.
@Suite struct RoleTests {
  /// Wide enough for queries, keys and values to be one product.
  @Test("Of makeMoE, biases are the biases, norms the norms, embeddings the tables")
  func makeMoE() throws {
    let model = MakeMoE { ($0.C, $0.heads, $0.dropout) = (16, 4, 0.1) }
    let plan = try Pipelines.plan(model.graph())
    #expect(plan.layers.contains { $0.forward.contains(where: \.kernel.isJoined) })
    for parameter in plan.parameters {
      let path = parameter.name.split(separator: ".")
      let isNorm = path.contains("norm") || path[0] == "final"
      let isTable = path[0] == "token" || path[0] == "position"
      let expected: ParameterRole =
        isNorm ? .norm : isTable ? .embedding : path.last == "bias" ? .bias : .weight
      #expect(parameter.role == expected, "\(parameter.name)")
    }
  }

  private static let V = MoE.Axis("V", 11), T = MoE.Axis("T", 8)
  private static let B = MoE.Axis("B", 2), C = MoE.Axis("C", 16)

  /// The roles of a model's parameters by name, with all passes and without those that move operands.
  private func roles(_ body: @escaping (Text) -> Tensor) throws -> [[String: ParameterRole]] {
    let graph = try LanguageModel.trace(
      "roles", vocabulary: Self.V, context: Self.T, batch: Self.B, linearWeights: .normal(0.1),
      optimizer: .adamW(), body)
    return try [[], ["FusePointwise", "Simplify", "ShareCommon", "DropUnused"]].map { omitted in
      let plan = try Plan(Pipeline().run(graph, options: .init(omitted: Set(omitted))))
      return Dictionary(uniqueKeysWithValues: plan.parameters.map { ($0.name, $0.role) })
    }
  }

  @Test("What is added is a bias, what is multiplied a weight, also in one step with a product")
  func pointwise() throws {
    let found = try roles { text in
      let (V, B, T, C) = (Self.V, Self.B, Self.T, Self.C)
      let x = text.tokens.embedding("token", C)
      let bias = parameter("added", C)
      let half = parameter("half", C)
      let gain = parameter("gain", C)
      let one = parameter("aroundOne", C)
      let offset = parameter("offset", B, T, C)
      let y = (x.linear("up", C, bias: false) + offset).gelu()
      let z = ((y + bias).relu() * gain + half * 0.5) * (one + 1)
      return z.linear("head", V)
    }
    for roles in found {
      #expect(
        roles == [
          "token.weight": .embedding, "added": .bias, "half": .bias, "gain": .weight,
          "aroundOne": .weight, "offset": .weight, "up.weight": .weight, "head.weight": .weight,
          "head.bias": .bias,
        ])
    }
  }

  @Test("A parameter with several readers is a table before a matrix, a factor before a bias")
  func severalReaders() throws {
    let found = try roles { text in
      let C = Self.C
      let table = parameter("table", Self.V, C)
      let both = parameter("both", C)
      let shared = parameter("shared", C)
      let x = text.tokens.embedding(table)
      let weight = parameter("matrix", C, C)
      let y = x.linear(weight: weight, bias: shared).linear(weight: weight, bias: both)
      return ((y + shared) * both).linear(weight: table)
    }
    for roles in found {
      #expect(
        roles == ["table": .embedding, "matrix": .weight, "both": .weight, "shared": .bias])
    }
  }

  @Test("What is made of parameters and noise has the roles of what it is used for")
  func computed() throws {
    let found = try roles { text in
      let (V, C) = (Self.V, Self.C)
      let table = parameter("table", V, C)
      let (gain, other) = (parameter("gain", C), parameter("other", C))
      let (bias, shape) = (parameter("bias", C), parameter("shape", C))
      let x = text.tokens.embedding(table.layerNorm("norm")) * Tensor.normal(like: shape)
      let y = x * (gain + .normal(like: gain) * 0.1 + other) + (bias + .normal(like: bias) + shape)
      return y.linear("head", V)
    }
    for roles in found {
      #expect(
        roles == [
          "table": .embedding, "norm.weight": .norm, "norm.bias": .norm, "gain": .weight,
          "other": .weight, "bias": .bias, "shape": .bias, "head.weight": .weight,
          "head.bias": .bias,
        ])
    }
  }
}
