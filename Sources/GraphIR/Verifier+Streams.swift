extension Verifier {
  static func checkStreams(_ graph: Graph) throws(Diagnostic) {
    var meanings: [Int: StreamUse.Meaning] = [:]
    try forEachNode(of: graph) { _, node throws(Mismatch) in
      for use in node.op.operation.streams {
        let known = meanings[use.stream] ?? use.meaning
        meanings[use.stream] = known
        if known != use.meaning {
          throw Mismatch("random stream \(use.stream) is used for \(known) and for \(use.meaning)")
        }
      }
    }
  }
}
