import CompiledModels
import GraphIR
import Planning
import Testing

@testable import moec

/// `moec inspect --graph` of models whose layers are alike.
@Suite("The drawn graph") struct GraphDrawingTests {
  private func lines(_ graph: Graph) throws -> [Substring] {
    GraphDrawing(try Pipelines.plan(graph)).dot.split(separator: "\n")
  }

  private func deep(_ depth: Int) throws -> [Substring] {
    try lines(MakeMoE { $0.depth = depth }.graph())
  }

  @Test("48 layers are drawn as two are, but for their count")
  func depth() throws {
    let (two, many) = (try deep(2), try deep(48))
    #expect(many.contains { $0.contains(#"label="block × 48\nblock.0 … block.47""#) })
    #expect(two.contains { $0.contains(#"label="block × 2\nblock.0 … block.1""#) })
    #expect(many.count == two.count)
    #expect(many.filter { $0.contains("subgraph") }.count == 1)
  }

  @Test("Each node and each line stands there once, and lines end at nodes")
  func isSound() throws {
    let forms = LayeredModel.Form.allCases.map { LayeredModel($0) }
    let graphs = try [MakeMoE { $0.depth = 3 }.graph()] + forms.map { try $0.graph() }
    for graph in graphs {
      let lines = try lines(graph)
      #expect(Set(lines.filter { $0.contains("->") }).count == lines.count { $0.contains("->") })
      let nodes = lines.compactMap { $0.firstMatch(of: /^ *(n\d+) \[/)?.1 }
      #expect(Set(nodes).count == nodes.count)
      let ends = lines.compactMap { $0.firstMatch(of: #/(n\d+) -> (n\d+) /#) }
      #expect(!ends.isEmpty)
      #expect(ends.allSatisfy { nodes.contains($0.1) && nodes.contains($0.2) }, "\(graph.name)")
    }
  }

  @Test("What a layer hands to the next is dotted, in both directions")
  func toTheNext() throws {
    let dotted = try deep(5).filter { $0.contains("style=dotted") }
    #expect(
      dotted.contains { !$0.contains("#b04020") } && dotted.contains { $0.contains("#b04020") })
    #expect(try deep(1).allSatisfy { !$0.contains("style=dotted") })
  }

  @Test("Layers that differ are drawn each, and so are those in one another")
  func distinct() throws {
    func titles(_ form: LayeredModel.Form) throws -> [String] {
      try lines(LayeredModel(form).graph())
        .compactMap { $0.firstMatch(of: /^ *label="([^"]*)"/).map { String($0.1) } }
    }
    #expect(try titles(.scoped) == [#"decoder.block × 4\ndecoder.block.0 … decoder.block.3"#])
    #expect(try titles(.mixed).map { $0.prefix(9) } == ["block × 2", "block × 2"])
    #expect(try titles(.skip).map { $0.prefix(9) } == ["block.0", "block × 2", "block.3"])
    let nested = try titles(.nested).map { $0.prefix(16) }
    #expect(nested == [#"outer × 4\nouter"#, "outer.inner × 12"])
  }

  @Test("Names of parameters are those of every use")
  func parameters() throws {
    let many = try deep(3)
    #expect(many.contains { $0.contains(#"label="mixture.up.weight\n"#) })
    #expect(!many.contains { $0.contains(#"label="block.0.mixture"#) })
  }

  @Test("Of many uses of a layer the first and the last are named")
  func uses() {
    let names = (0..<48).map { "block.\($0)" }
    #expect(LayerReport.few(names) == "block.0, block.1 … block.47")
    #expect(LayerReport.few(Array(names[..<3])) == "block.0, block.1, block.2")
    #expect(LayerReport.few([]) == "")
  }
}
