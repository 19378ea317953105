import Comparison
import CompiledModels
import GraphIR
import Interpreter
import MoE
import ModelRuntime
import Testing

/// The first values of a new model.
@Suite struct InitialValueTests {
  static func graph(depth: Int = 2) throws -> Graph {
    let (V, T) = (MoE.Axis("V", 7), MoE.Axis("T", 4))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 8))
    return try LanguageModel.trace("first", vocabulary: V, context: T, batch: B) { text in
      // Made first and read last, made and not read, made in the midst of it and read by what is left out.
      let head = parameter("head", V, C, initial: .normal(1))
      _ = parameter("unread", C, initial: .normal(1))
      let x = text.tokens.embedding("token", C)
      let y = layers("block", depth, x) { x in x + x.linear("up", C).gelu() }
      return (y + (y.linear("none", C) * 0)).linear(weight: head)
    }
  }

  @Test(
    "They are drawn in order of creation, whatever passes are left out and wherever layers lie",
    arguments: [[], ["Simplify", "FusePointwise", "DropUnused"]] as [Set<String>])
  func inOrderOfCreation(omitted: Set<String>) throws {
    let compiled = try CompiledModel(Self.graph(), omitting: omitted)
    let names = compiled.plan.parameters.map(\.name)
    #expect(names != compiled.reference.parameters.map(\.parameter.name))
    let model = try Model(compiled.library)
    model.initialize(seed: 5)
    let expected = Interpreter.initialParameters(of: compiled.reference, seed: 5)
    for name in names {
      let found = Disagreement(name, try model.read(named: name), expected[name] ?? [])
      #expect(found.error < 1e-5, "\(found)")
    }
  }
}
