import GraphIR

// What lies between layers.
extension PlanParser {
  mutating func edges() throws(Diagnostic) -> [Edge] {
    try heading("between layers")
    var edges: [Edge] = []
    while reader.nextLine(), reader.seesDigit {
      guard try reader.integer("an edge's number") == edges.count else {
        throw reader.failure("expected edge \(edges.count)")
      }
      let (name, type) = (try reader.token(), try reader.storedType())
      let layout = reader.accept(", in panels") ? ValueUses.panels(type) : .rowMajor
      let role: Edge.Role = reader.acceptWord("saved") ? .activation : .gradient
      var edge = Edge(name: name, type: type, role: role)
      if reader.acceptWord("gradients") {
        edge.storage = Storage(type, layout, in: .gradients)
      } else if role == .gradient {
        try reader.expectWord("scratch")
      }
      try reader.place(&edge.storage)
      while reader.acceptWord("is") { edge.outputs.append(try reader.output()) }
      edges.append(edge)
      try reader.endOfLine()
    }
    return edges
  }
}
