import CompiledModels
import GraphIR
import Testing

@testable import MoE

/// Models as users have them: a file, compiled with swiftc, run as a process.
@Suite(.enabled(if: Model.products != nil, "no modules beside the tests"))
struct ModelFileTests {
  private static let axes = """
    import MoE
    let V = Axis("V", 11), T = Axis("T", 6), B = Axis("B", 2), C = Axis("C", 12), E = Axis("E", 4)

    """

  @Test(arguments: [5, 6]) func makemoeIsTheModelOfTheseTests(_ language: Int) throws {
    let result = try Model.run(Model.example("makemoe"), language: language)
    #expect(result.status == 0 && result.errors == "" && result.output == "")
    let graph = try Graph(parsing: result.graph)
    #expect(graph.withoutLocations == (try MakeMoE.reference.graph().withoutLocations))
    #expect(graph.vocabularyLocation == SourceLocation(file: "model.swift", line: 4, column: 9))
  }

  @Test(arguments: ["makemoe-capacity", "makemoe-topk", "tiny"])
  func examplesAreModels(_ name: String) throws {
    let result = try Model.run(Model.example(name))
    #expect(result.status == 0 && result.errors == "")
    #expect(try Graph(parsing: result.graph).name == name)
  }

  @Test func examplesDifferAsTheySay() throws {
    let capacity = try Graph(parsing: Model.run(Model.example("makemoe-capacity")).graph)
    let factors = capacity.nodes.compactMap { node in
      if case .route(let op) = node.op { op.capacity?.factor } else { Double?.none }
    }
    #expect(factors == Array(repeating: 1, count: 8))
    let plain = try Graph(parsing: Model.run(Model.example("makemoe-topk")).graph)
    #expect(plain.parameter("block.0.mixture.gate.weight") != nil)
    #expect(plain.parameter("block.0.mixture.noise.weight") == nil)
  }

  @Test func errorsAreAllPrintedAndNoGraphIsWritten() throws {
    let result = try Model.run(
      Self.axes + """
        LanguageModel("m", vocabulary: V, context: T, batch: B) { text in
          let x = text.tokens.embedding("x", C).heads(5)
          return x.mergedHeads() + text.tokens.embedding("x", C).top(5).softmax().gate
        }
        extension Routing { var gate: Tensor { parameter("gate", B, T, C).dropout(-1) } }
        """)
    #expect(result.status == 1 && result.graph == "" && result.output == "")
    #expect(
      result.errors == """
        model.swift:4:41: error: heads: 5 heads do not divide the width C (12)
          hint: give a count by which the width can be divided, or change the width
        model.swift:5:40: error: embedding: "x" exists already
          hint: the first one is at model.swift:4:23; names are unique within a scope
        model.swift:7:67: error: dropout: the rate must be at least 0 and below 1, got -1.0
          hint: 0.1 drops one number in ten

        """)
  }

  @Test func routedAndUnroutedRowsDoNotMix() throws {
    let result = try Model.run(
      Self.axes + """
        LanguageModel("m", vocabulary: V, context: T, batch: B) { text in
          let x = text.tokens.embedding("x", C)
          let routed = x.routed(by: x.linear("gate", E).top(2).softmax())
          let sum = x + routed
          return routed.softmax().combined().linear("head", V)
        }
        """)
    #expect(result.status == 65 && result.graph == "")
    #expect(
      result.errors.contains(
        "model.swift:6:15: error: '+' is unavailable: "
          + "routed and unrouted rows do not mix; call .combined() first"))
    #expect(
      result.errors.contains(
        "model.swift:7:17: error: 'softmax()' is unavailable: "
          + "not for rows sorted by expert; call .combined() first"))
  }

  @Test func aModelMayPrint() throws {
    let result = try Model.run(
      Self.axes + """
        LanguageModel("m", vocabulary: V, context: T, batch: B) { text in
          let x = text.tokens.embedding("x", C)
          print(x)
          return x.linear("head", V)
        }
        """)
    #expect(result.status == 0 && result.output == "f32[B, T, C]\n")
    #expect(try Graph(parsing: result.graph).name == "m")
  }

  @Test func aFileDeclaresOneModel() throws {
    let model = """
      LanguageModel("m", vocabulary: V, context: T, batch: B) {
        $0.tokens.embedding("x", C).linear("head", V)
      }

      """
    let result = try Model.run(Self.axes + model + model)
    #expect(result.status == 1)
    #expect(
      result.errors == """
        model.swift:6:1: error: LanguageModel: a file declares one model
          hint: the first one is at model.swift:3:1

        """)
  }

  @Test func parametersBelongInAModel() throws {
    let result = try Model.run(Self.axes + "let table = parameter(\"table\", V, C)\n")
    #expect(result.status == 1)
    #expect(
      result.errors == """
        model.swift:3:13: error: parameter: "table" is made outside a model
          hint: make it in LanguageModel's closure

        """)
  }

  @Test(arguments: [
    ("--graph-descriptor", "error: --graph-descriptor: expected a number\n"),
    ("--graph-descriptor x", "error: --graph-descriptor: expected a number\n"),
    ("--graph-descriptor 77", "error: the graph could not be written to descriptor 77\n"),
  ]) func descriptorsAreChecked(_ arguments: String, _ error: String) throws {
    let result = try Model.run(Model.example("tiny"), arguments: arguments)
    #expect(result.status == 1 && result.errors == error)
  }

  @Test func withoutADescriptorTheGraphIsPrinted() throws {
    let result = try Model.run(Model.example("tiny"), arguments: "")
    #expect(try Graph(parsing: result.output).name == "tiny")
  }
}
