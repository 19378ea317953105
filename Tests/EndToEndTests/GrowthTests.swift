import Codegen
import CompiledModels
import Foundation
import GraphIR
import Lint
import MoE
import Passes
import Planning
import Testing

/// Four times the layers take four times the work, in every stage from the model to its C.
@Suite struct GrowthTests {
  private static let stages = ["trace", "text", "parse", "passes", "lint", "plan", "code"]

  @Test("The compiler's work grows with the number of layers, not with its square")
  func linear() throws {
    let few = try Self.seconds(layers: 48)
    let many = try Self.seconds(layers: 4 * 48)
    for (stage, (a, b)) in zip(Self.stages, zip(few, many)) {
      // Four where work is linear, 16 where it goes with the square.
      #expect(b < 8 * a + 0.005, "\(stage): \(a) s for 48 layers, \(b) s for 192")
    }
  }

  /// With a mixture in every layer alone there are two ways back through each.
  @Test("The names of gradients are found in no more time where paths fork in every layer")
  func forkedPaths() throws {
    func seconds(layers depth: Int) throws -> Double {
      typealias Axis = MoE.Axis
      let (V, T, B) = (Axis("V", 11), Axis("T", 4), Axis("B", 2))
      let (C, E) = (Axis("C", 8), Axis("E", 4))
      let graph = try LanguageModel.trace("forked", vocabulary: V, context: T, batch: B) { text in
        let x = text.tokens.embedding("token", C)
        return layers("block", depth, x) { x in
          let rows = x.layerNorm("norm").routed(by: x.linear("gate", E).top(2).softmax())
          return x + rows.linear("up", C).combined()
        }.linear("head", V)
      }
      let transformed = try Pipeline().run(graph)
      let start = Self.threadSeconds
      #expect(try Plan(transformed).layers.count == 3)
      return Self.threadSeconds - start
    }
    let (few, many) = (try seconds(layers: 12), try seconds(layers: 48))
    #expect(many < 8 * few + 0.05, "\(few) s for 12 layers, \(many) s for 48")
  }

  /// The seconds that each stage takes of a processor, whatever else runs on it: the better of two.
  private static func seconds(layers: Int) throws -> [Double] {
    let runs = try [once(layers: layers), once(layers: layers)]
    return zip(runs[0], runs[1]).map(min)
  }

  private static func once(layers: Int) throws -> [Double] {
    var times = [threadSeconds]
    let model = MakeMoE { ($0.C, $0.heads, $0.depth, $0.dropout) = (16, 4, layers, 0.1) }
    let traced = try model.graph()
    times.append(threadSeconds)
    let text = traced.text
    times.append(threadSeconds)
    let parsed = try Graph(parsing: text)
    times.append(threadSeconds)
    let graph = try Pipeline().run(parsed)
    times.append(threadSeconds)
    let work = Subject.Work(forward: 1, step: 3, evaluationInterval: 100, evaluationBatches: 1)
    _ = Linter().lint(Subject(parsed, work: work), source: ModelSource(""))
    times.append(threadSeconds)
    let plan = try Plan(graph)
    times.append(threadSeconds)
    let code = GeneratedModel(plan, .init(sourceName: "deep.swift"))
    times.append(threadSeconds)
    #expect(plan.layers.count == 3 && code.files.count > 10)
    return zip(times.dropFirst(), times).map { $0 - $1 }
  }

  /// What this thread has taken so far.
  private static var threadSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
