import GraphIR

extension Plan {
  /// What the model is and costs, a table for a person.
  public var summary: String {
    let rows =
      [["layer", "uses", "parameters", "forward MFLOP", "backward MFLOP", "saved bytes"]]
      + layers.indices.map(row)
    let facts = [
      overview,
      "batch \(graph.batch) \(graph.batch.size), context \(graph.context) \(graph.context.size), vocabulary \(graph.vocabulary.size.grouped)",
      "",
    ]
    let (forward, backward) = (graph.flops(.forward), graph.flops(.backward))
    let costs = [
      "", "FLOPs: forward \(forward.grouped), step \((forward + backward).grouped)",
      "memory: \(memory.total.grouped) bytes", "  \(memory.lasting)", "  \(memory.passing)",
      generation.summary.replacing(", as ", with: ",\n  as ").replacing(
        " until", with: "\n  until"),
    ]
    return (facts + Self.table(rows) + costs).joined(separator: "\n")
  }

  /// The model's name and the number of its parameters.
  public var overview: String {
    let total = parameters.reduce(0) { $0 + $1.type.count }
    return "\(graph.name): \(total.grouped) parameters, \(activeParameters.grouped) active per "
      + "token, in \(parameters.count) tensors"
  }

  private func row(_ index: Int) -> [String] {
    let layer = layers[index]
    let count = uses.filter { $0.layer == index }.count
    let parameters = layer.parameters.reduce(0) { $0 + $1.type.count }
    let saved = layer.saved.reduce(0) { $0 + $1.bytes }
    return [
      layer.name, "\(count)", parameters.grouped, Self.mega(layer.flops(.forward)),
      Self.mega(layer.flops(.backward)), saved.grouped,
    ]
  }

  private static func mega(_ flops: Int) -> String {
    let tenths = (flops + 50_000) / 100_000
    return "\((tenths / 10).grouped).\(tenths % 10)"
  }

  private static func table(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
  }
}

extension Memory {
  /// What stays for the model's whole life, in bytes.
  package var lasting: String {
    "parameters \(parameters.grouped), gradients \(gradients.grouped), optimizer "
      + optimizer.grouped
  }

  /// What is needed within a step, in bytes.
  package var passing: String { "saved \(saved.grouped), scratch \(scratch.grouped)" }
}
