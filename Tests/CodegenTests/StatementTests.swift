import CompiledModels
import GraphIR
import Lowering
import Planning
import Testing

@testable import Codegen

/// What the C of a layer says of itself: what it uses, and where its calls stand.
@Suite struct StatementTests {
  @Test("What is put together uses what its parts use")
  func expressions() {
    let rows = CNames.product([Axis(symbol: .init(name: "B", size: 4, extent: .sequences))])
    let place: CExpression = "\(CExpression.saved)->h + \(3)*\(rows)"
    #expect(place.text == "s->h + 3*B" && place.uses == [.given(.saved), .sequences])
    let call = Statement(calling: "norm", [place, "NULL", .stream])
    #expect(call.lines == ["norm(s->h + 3*B, NULL, stream);"] && call.function == "norm")
    #expect(call.uses == [.given(.saved), .given(.stream), .sequences])
    let whole: CExpression = CNames.size(Axis(symbol: .init(name: "B", size: 4, extent: .batch)))
    #expect(whole == "MODEL_BATCH")
  }

  @Test("Long calls are broken between arguments, and within lists only where these are long")
  func lines() {
    let fields = (1...5).map { CExpression(".x\($0) = s->attention_query_key_value") }
    let list = CExpression("&(finish_operands){", fields, "}")
    #expect(list.text.hasPrefix("&(finish_operands){.x1 = ") && list.text.hasSuffix("}"))
    let lines = CLines.wrapped("product(", [CExpression("x"), list], ");")
    #expect(
      lines == [
        "product(x, &(finish_operands){.x1 = s->attention_query_key_value, .x2 = s->attention_query_key_value,",
        "        .x3 = s->attention_query_key_value, .x4 = s->attention_query_key_value,",
        "        .x5 = s->attention_query_key_value});",
      ])
    let short = CExpression("&(finish_operands){", Array(fields.prefix(2)), "}")
    #expect(
      CLines.wrapped("product(", [CExpression("s->attention_query"), short], ");") == [
        "product(s->attention_query,",
        "        " + short.text + ");",
      ])
    #expect(CLines.wrapped("update(", [String](), ");") == ["update();"])
  }

  private static func layers(_ graph: Graph) throws -> [LayerFile] {
    let context = Context(try Pipelines.plan(graph), .init(sourceName: "model.swift"))
    return context.plan.layers.indices.map { LayerFile(context, layer: $0) }
  }

  private static func graphs() throws -> [Graph] {
    let models: [MakeMoE] = [
      MakeMoE("noisy") { $0.dropout = 0.2 },
      MakeMoE("tied") { ($0.isTied, $0.hasOffset) = (true, true) },
      MakeMoE("capacity") { ($0.capacity, $0.isNoisy) = (1, false) },
    ]
    return try models.map { try $0.graph() }
      + LayeredModel.Form.allCases.map { try LayeredModel($0).graph() }
      + AxisModel.all.map { try $0.graph() }
  }

  @Test("A function is given what its statements use, and declares the sizes that they use")
  func uses() throws {
    var count = 0
    for graph in try Self.graphs() {
      for file in try Self.layers(graph) {
        for function in file.forward + file.backward {
          let head = function.signature.head(" {")
          let text = function.statements.lines.joined(separator: "\n")
          let body = text[(try #require(text.firstRange(of: head))).upperBound...]
          let words = Set(
            body.split(separator: "\n").filter { !$0.trimmed.hasPrefix("//") }
              .flatMap { $0.split { !($0.isLetter || $0.isNumber || $0 == "_") } })
          for part in function.signature.parts {
            let name = function.signature.variable(part).text
            #expect(words.contains(name[...]), "\(name) in \(text)")
          }
          #expect(!words.contains("void"), "\(text)")
          for axis in [file.context.plan.sequences, file.context.plan.positions] {
            let name = CNames.size(axis).text
            let isUsed = body.matches(of: try Regex("\\b\(name)\\b")).count > 1
            #expect(body.contains("\(name) = pass->") == isUsed, "\(name) in \(text)")
          }
          count += 1
        }
      }
    }
    #expect(count > 100)
  }

  @Test("A name that a comment alone mentions is no use of it")
  func comments() throws {
    var plan = try Pipelines.plan(MakeMoE("small") { $0.depth = 1 }.graph())
    let call = try #require(plan.layers[1].forward.first { $0.op?.kind == .route })
    plan.layers[1].forward = [call]
    plan.layers[1].makeAllInTurn()
    let source = String(repeating: "T and stream\n", count: 200)
    let context = Context(plan, .init(source: ModelSource(source), sourceName: "model.swift"))
    let function = try #require(LayerFile(context, layer: 1).forward.first)
    #expect(function.signature.parts == [.saved, .pass])
    #expect(function.statements.lines.contains { $0.hasSuffix("   T and stream") })
  }

  @Test("Which runs are parallel is what the plan says")
  func runs() throws {
    var plan = try Pipelines.plan(MakeMoE("small") { $0.depth = 1 }.graph())
    func regions() -> [Int] {
      GeneratedModel(plan, .init(sourceName: "model.swift")).files.filter { $0.path == "block.c" }
        .map { $0.text.matches(of: /#pragma omp parallel/).count }
    }
    #expect(regions() == [4])
    for index in plan.layers.indices {
      plan.layers[index].makeAllInTurn()
    }
    #expect(regions() == [0])
  }
}

extension Layer {
  fileprivate mutating func makeAllInTurn() {
    for (runs, count) in [(\Layer.forwardRuns, forward.count), (\.backwardRuns, backward.count)] {
      guard var run = self[keyPath: runs].first else { continue }
      (run.calls, run.kind) = (0..<count, .inTurn)
      self[keyPath: runs] = [run]
    }
  }
}
