import GraphIR
import Lowering
import Passes

/// How a random model is compiled: what is left out and what is asked for, by chance.
struct ModelVariant {
  let options: PipelineOptions

  /// The lowering steps that are left out.
  let steps: Set<String>
  let accumulates: Bool
  let recomputes: Bool

  /// Whether its library of --inference is looked at too.
  let infers: Bool

  /// Whether its gradients are compared with differences: the interpreter runs a few times for each parameter.
  let differentiates: Bool

  private let documents: Bool
  private let logitsAtOnce: Int?

  /// Draws in an order that stays, so that a seed is compiled in the same way tomorrow.
  init(of graph: Graph, _ dice: inout Dice) {
    options = PipelineOptions(
      omitted: Self.some(of: PipelineOptions.reference.omitted.sorted(), &dice))
    documents = Self.takesDocuments(graph, &dice)
    var others = dice.forked()
    logitsAtOnce = others.happens(30) ? LinearCrossEntropy.partAlignment : nil
    infers = others.happens(25)
    differentiates = others.happens(25)
    accumulates = dice.happens(30)
    steps = Self.some(of: LoweringPipeline.steps.map(\.name), &dice)
    recomputes = dice.happens(25)
  }

  var pipeline: Pipeline { pipeline(expertRanks: 1) }

  func pipeline(expertRanks: Int) -> Pipeline {
    Pipeline(
      Pipeline.standard(
        expertRanks: expertRanks, documents: documents, logitsAtOnce: logitsAtOnce))
  }

  /// What the interpreter runs.
  func reference(of graph: Graph) throws -> Graph {
    try Pipeline(Pipeline.standard(expertRanks: 1, documents: documents))
      .run(graph, options: .reference)
  }

  /// The names of passes and lowering steps that are left out.
  var omitted: String { options.omitted.union(steps).sorted().joined(separator: ", ") }

  /// Whether there are several documents in a row: by chance, where the model can have them.
  private static func takesDocuments(_ graph: Graph, _ dice: inout Dice) -> Bool {
    guard dice.happens(40) else { return false }
    do {
      _ = try Pipeline(Pipeline.standard(expertRanks: 1, documents: true)).run(graph)
    } catch  where error.message.hasPrefix("--documents: ") {
      return false
    } catch {}  // which the caller finds too
    return true
  }

  /// None, more often than not; else some, by chance.
  private static func some(of names: [String], _ dice: inout Dice) -> Set<String> {
    guard dice.happens(40) else { return [] }
    return Set(names.filter { _ in dice.happens(40) })
  }
}
