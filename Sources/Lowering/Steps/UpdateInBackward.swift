import GraphIR

extension Program {
  /// Finds the weights that a training step can update in backward: all that is left to do with their
  /// gradient is AdamW, which then need not fetch it from memory again.
  mutating func updateInBackward() {
    let facts = ProgramFacts(self)
    let parameters = Dictionary(
      parameters.map { ($0.parameter.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for index in calls.indices {
      guard calls[index].op?.kind == .linearWeightGradient else { continue }
      let weights = calls[index].kernel.results(.weights)
      calls[index].updates = weights.allSatisfy { gradient in
        let outputs = facts.outputs[gradient] ?? []
        guard facts.readers[gradient] == nil, outputs.count == 1,
          case .gradient(let name) = outputs[0], let parameter = parameters[name]
        else { return false }
        return facts.readers(of: parameter).allSatisfy { $0 < index }
      }
    }
  }
}
