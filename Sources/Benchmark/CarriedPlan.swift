import GraphIR
import ModelRuntime
import Planning

/// The plan of a compiled library, as the library carries it.
public struct CarriedPlan: Sendable {
  public let sources: EmbeddedSources
  public let plan: Plan

  /// Reads a library. Errors: no such file, no sources, made by another version of moec.
  public init(library path: String) throws {
    let sources = try EmbeddedSources(library: path)
    guard let text = sources["graph.txt"]?.text else {
      throw BenchmarkError.badGraph(library: path, reason: "there is no graph.txt")
    }
    let graph: Graph
    do {
      graph = try Graph(parsing: text)
    } catch {
      let line = error.description.split(separator: "\n").first ?? ""
      throw BenchmarkError.badGraph(library: path, reason: String(line))
    }
    guard let planned = sources["plan.txt"]?.text,
      let plan = try? Plan(parsing: planned, of: graph, file: "plan.txt")
    else { throw BenchmarkError.otherVersion(library: path, file: "plan.txt") }
    self.plan = plan
    self.sources = sources
  }
}
