import GraphIR
import ModelRuntime
import Planning

/// The plan of a compiled library, made again from the graph that it carries.
public struct CarriedPlan: Sendable {
  public let sources: EmbeddedSources
  public let plan: Plan

  /// Reads a library. Errors: no such file, no sources, made by another version of moec.
  public init(library path: String) throws {
    let sources = try EmbeddedSources(library: path)
    guard let graph = sources["graph.txt"] else {
      throw BenchmarkError.badGraph(library: path, reason: "there is no graph.txt")
    }
    do {
      // The options that a library was planned with are those that give its plan.txt again.
      let planned = try Plan(
        try Graph(parsing: graph.text), source: sources["model.swift"]?.text)
      let text = sources["plan.txt"]?.text
      guard
        let plan = [planned, planned.accumulating()].first(where: { $0.text == text })
      else {
        throw BenchmarkError.otherVersion(library: path, file: "plan.txt")
      }
      self.plan = plan
      self.sources = sources
    } catch let error as Diagnostic {
      let line = error.description.split(separator: "\n").first ?? ""
      throw BenchmarkError.badGraph(library: path, reason: String(line))
    }
  }
}
